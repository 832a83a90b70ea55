#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aip.h"
#include "database.h"
#include "shop/v1/orders.pb.h"

namespace shop {

// The rows of the orders. All functions take the session of the orders' database.

constexpr const char* order_type = "shop.example/Order";
extern const char* const orders_schema;

// What the shop knows of an order and the client does not see.
struct OrderBackground {
  std::string request_id;
  std::string reservation_id;
  int64_t next_step_ms = 0;  // 0 is never.
};

grpc::Status get_order(Database::Session& session, int64_t order_id, v1::Order& order);
// False when no order was made by that request.
bool find_order(Database::Session& session, const std::string& request_id, v1::Order& order);

// Gives a new order its id and first status, and writes it.
void add_order(Database::Session& session, const OrderBackground& background, v1::Order& order);
// Writes an order as it is, new or not.
void put_order(Database::Session& session, const v1::Order& order,
               const OrderBackground& background = {});

grpc::Status list_orders(Database::Session& session, const v1::ListOrdersRequest& request,
                         v1::ListOrdersResponse& response);
int64_t revenue_cents(Database::Session& session, int64_t since_ms);

// Changes what `mask` names, while the goods are still in the house.
grpc::Status change_order(Database::Session& session, const v1::Order& patch,
                          const google::protobuf::FieldMask& mask, v1::Order& order);

// The next status on the way; the one after comes at `next_step_ms`.
grpc::Status advance_order(Database::Session& session, int64_t next_step_ms, v1::Order& order);

// The goods of `reservation_id` are to be released from then on: `releases_due` names them after
// `release_ms`, until `release_done`. A cancelled order may be cancelled again: nothing changes.
grpc::Status cancel_order(Database::Session& session, const v1::CancelOrderRequest& request,
                          int64_t release_ms, v1::Order& order, bool& changed,
                          std::string& reservation_id);

std::vector<int64_t> steps_due(Database::Session& session, int64_t now);
std::vector<std::string> releases_due(Database::Session& session, int64_t now);
void release_done(Database::Session& session, const std::string& reservation_id);

}  // namespace shop
