#include "order_rows.h"

#include <limits>

namespace shop {

// A row is the message; the other columns are what lists and the warehouse look for. A time of 0
// is never, an empty id is none.
const char* const orders_schema = R"(
  CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    status INTEGER NOT NULL,
    total_cents INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    reservation_id TEXT NOT NULL,
    next_step_ms INTEGER NOT NULL,
    release_ms INTEGER NOT NULL DEFAULT 0,
    message BLOB NOT NULL);
  CREATE INDEX orders_by_user ON orders (user_id);
  CREATE UNIQUE INDEX orders_by_request ON orders (request_id) WHERE request_id <> '';
  CREATE INDEX orders_by_step ON orders (next_step_ms) WHERE next_step_ms > 0;
  CREATE INDEX orders_by_release ON orders (release_ms) WHERE release_ms > 0;
)";

namespace {

constexpr size_t gift_message_max = 500;
constexpr int64_t delivery_days = 3;

#define ORDERS_FILTER                                                \
  "(?1 = 0 OR user_id = ?1) AND (?2 = 0 OR (?2 >> status) & 1) AND " \
  "created_ms > ?3 AND created_ms < ?4"
constexpr const char* list_sql = "SELECT message FROM orders WHERE " ORDERS_FILTER
                                 " AND order_id > ?5 ORDER BY order_id LIMIT ?6";
constexpr const char* count_sql = "SELECT COUNT(*) FROM orders WHERE " ORDERS_FILTER;
#undef ORDERS_FILTER

void stamp(v1::Order& order, int64_t now) {
  if (!order.has_create_time()) *order.mutable_create_time() = timestamp(now);
  *order.mutable_update_time() = timestamp(now);
  order.set_etag(make_etag(order.order_id(), now));
}

v1::StatusChange& enter(v1::OrderStatus status, v1::Order& order) {
  const int64_t now = now_ms();
  order.set_status(status);
  auto* change = order.add_history();
  change->set_status(status);
  *change->mutable_time() = timestamp(now);
  stamp(order, now);
  return *change;
}

grpc::Status in_house(const v1::Order& order) {
  if (order.status() < v1::SHIPPED) return grpc::Status::OK;
  return precondition("STATUS", "orders/" + std::to_string(order.order_id()),
                      "the order is " + v1::OrderStatus_Name(order.status()) + " already");
}

}  // namespace

grpc::Status get_order(Database::Session& session, int64_t order_id, v1::Order& order) {
  auto rows = session.query("SELECT message FROM orders WHERE order_id = ?1", order_id);
  if (!rows.next()) return not_found(order_type, order_id);
  order.ParseFromString(std::string(rows.text(0)));
  return grpc::Status::OK;
}

bool find_order(Database::Session& session, const std::string& request_id, v1::Order& order) {
  if (request_id.empty()) return false;
  auto rows = session.query("SELECT message FROM orders WHERE request_id = ?1 AND request_id <> ''",
                            request_id);
  return rows.next() && order.ParseFromString(std::string(rows.text(0)));
}

void add_order(Database::Session& session, const OrderBackground& background, v1::Order& order) {
  order.set_order_id(session.integer("SELECT seq + 1 FROM sqlite_sequence WHERE name = 'orders'"));
  order.mutable_delivery_estimate()->set_seconds(delivery_days * 24 * 3600);
  enter(v1::PLACED, order);
  put_order(session, order, background);
}

void put_order(Database::Session& session, const v1::Order& order,
               const OrderBackground& background) {
  session.run(
      "INSERT INTO orders (order_id, user_id, status, total_cents, created_ms, request_id, "
      "reservation_id, next_step_ms, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
      "ON CONFLICT (order_id) DO UPDATE SET status = ?3, message = ?9",
      order.order_id(), order.user_id(), order.status(), order.total_cents(),
      milliseconds(order.create_time()), background.request_id, background.reservation_id,
      background.next_step_ms, Blob{order.SerializeAsString()});
}

grpc::Status list_orders(Database::Session& session, const v1::ListOrdersRequest& request,
                         v1::ListOrdersResponse& response) {
  Page page;
  if (auto status = read_page(request, page); !status.ok()) return status;
  int64_t statuses = 0;
  for (const int status : request.statuses()) {
    if (!v1::OrderStatus_IsValid(status)) return invalid("statuses", "has an unknown status");
    statuses |= int64_t{1} << status;
  }
  const int64_t after_ms = request.has_created_after() ? milliseconds(request.created_after()) : -1;
  const int64_t before_ms = request.has_created_before() ? milliseconds(request.created_before())
                                                         : std::numeric_limits<int64_t>::max();

  auto rows = session.query(list_sql, request.user_id(), statuses, after_ms, before_ms, page.after,
                            page.size + 1);
  while (rows.next()) {
    if (response.orders_size() == page.size) {
      response.set_next_page_token(page_token(request, response.orders().rbegin()->order_id()));
      break;
    }
    response.add_orders()->ParseFromString(std::string(rows.text(0)));
  }
  response.set_total_size(static_cast<int32_t>(
      session.integer(count_sql, request.user_id(), statuses, after_ms, before_ms)));
  return grpc::Status::OK;
}

int64_t revenue_cents(Database::Session& session, int64_t since_ms) {
  return session.integer(
      "SELECT SUM(total_cents) FROM orders WHERE created_ms >= ?1 AND status <> ?2", since_ms,
      v1::CANCELLED);
}

grpc::Status change_order(Database::Session& session, const v1::Order& patch,
                          const google::protobuf::FieldMask& mask, v1::Order& order) {
  if (auto status = get_order(session, patch.order_id(), order); !status.ok()) return status;
  if (auto status = check_etag(patch.etag(), order.etag()); !status.ok()) return status;
  if (auto status = in_house(order); !status.ok()) return status;
  auto violations = update(patch, mask, order);
  if (violations.empty()) violations = missing_fields(order, "order.");
  if (order.gift_message().size() > gift_message_max) {
    violations.push_back({"order.gift_message", "is longer than 500 bytes"});
  }
  if (!violations.empty()) return invalid(violations);
  stamp(order, now_ms());
  put_order(session, order);
  return grpc::Status::OK;
}

grpc::Status advance_order(Database::Session& session, int64_t next_step_ms, v1::Order& order) {
  if (order.status() >= v1::DELIVERED) {
    return precondition("STATUS", "orders/" + std::to_string(order.order_id()),
                        "the order is " + v1::OrderStatus_Name(order.status()) + " already");
  }
  enter(static_cast<v1::OrderStatus>(order.status() + 1), order);
  put_order(session, order);
  session.run("UPDATE orders SET next_step_ms = ?2 WHERE order_id = ?1", order.order_id(),
              order.status() == v1::DELIVERED ? 0 : next_step_ms);
  return grpc::Status::OK;
}

grpc::Status cancel_order(Database::Session& session, const v1::CancelOrderRequest& request,
                          int64_t release_ms, v1::Order& order, bool& changed,
                          std::string& reservation_id) {
  if (auto status = get_order(session, request.order_id(), order); !status.ok()) return status;
  if (order.status() == v1::CANCELLED) return grpc::Status::OK;
  if (auto status = check_etag(request.etag(), order.etag()); !status.ok()) return status;
  if (auto status = in_house(order); !status.ok()) return status;
  {
    auto rows =
        session.query("SELECT reservation_id FROM orders WHERE order_id = ?1", order.order_id());
    if (rows.next()) reservation_id = std::string(rows.text(0));
  }
  auto& change = enter(v1::CANCELLED, order);
  change.set_reason(v1::CancelOrderRequest::Reason_Name(request.reason()));
  change.set_note(request.note());
  changed = true;
  Database::Transaction transaction(session);
  put_order(session, order);
  session.run("UPDATE orders SET next_step_ms = 0, release_ms = ?2 WHERE order_id = ?1",
              order.order_id(), reservation_id.empty() ? 0 : release_ms);
  transaction.commit();
  return grpc::Status::OK;
}

std::vector<int64_t> steps_due(Database::Session& session, int64_t now) {
  std::vector<int64_t> order_ids;
  auto rows = session.query(
      "SELECT order_id FROM orders WHERE next_step_ms > 0 AND next_step_ms <= ?1", now);
  while (rows.next()) order_ids.push_back(rows.integer(0));
  return order_ids;
}

std::vector<std::string> releases_due(Database::Session& session, int64_t now) {
  std::vector<std::string> reservation_ids;
  auto rows = session.query(
      "SELECT reservation_id FROM orders WHERE release_ms > 0 AND release_ms <= ?1", now);
  while (rows.next()) reservation_ids.emplace_back(rows.text(0));
  return reservation_ids;
}

void release_done(Database::Session& session, const std::string& reservation_id) {
  session.run("UPDATE orders SET release_ms = 0 WHERE reservation_id = ?1 AND release_ms > 0",
              reservation_id);
}

}  // namespace shop
