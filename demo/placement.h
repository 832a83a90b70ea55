#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <grpcpp/client_context.h>
#include <grpcpp/support/server_callback.h>

#include "database.h"
#include "shop/v1/catalogue.grpc.pb.h"
#include "shop/v1/orders.pb.h"
#include "shop/v1/users.grpc.pb.h"

namespace shop {

// What the orders need from around them.
struct OrdersWorld {
  Database& database;
  std::unique_ptr<v1::Users::Stub> users;
  std::unique_ptr<v1::Catalogue::Stub> catalogue;
  std::chrono::milliseconds pace;

  // When an order that takes a step now takes the next one; 0 is never.
  int64_t next_step_ms() const;
};

// A call to another service on behalf of this one: its deadline, its cancellation, and of its
// metadata what is about the caller or the request.
std::unique_ptr<grpc::ClientContext> on_behalf_of(const grpc::CallbackServerContext& context);

// A call that must be made although the one it serves may be over.
std::unique_ptr<grpc::ClientContext> on_our_own_behalf();

// CreateOrder: asks the users who it is, the catalogue to set the goods aside, and writes the
// order; when that fails, the goods go back.
grpc::ServerUnaryReactor* place_order(OrdersWorld& world, grpc::CallbackServerContext& context,
                                      const v1::CreateOrderRequest& request, v1::Order& order);

}  // namespace shop
