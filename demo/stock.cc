#include "stock.h"

#include <charconv>

#include "aip.h"
#include "products.h"

namespace shop {

namespace {

using google::longrunning::Operation;

constexpr const char* operation_type = "shop.example/Operation";
constexpr std::string_view recounts_name = "operations/recounts/";
constexpr size_t reservation_id_max = 64;
constexpr int lines_max = 100;
constexpr int quantity_max = 1000;
constexpr int64_t recount_default_ms = 10'000;
constexpr int64_t recount_max_ms = 3'600'000;

grpc::Status check(const v1::ReserveStockRequest& request) {
  Violations violations = missing_fields(request);
  if (request.reservation_id().size() > reservation_id_max) {
    violations.push_back({"reservation_id", "is longer than 64 characters"});
  }
  if (request.lines_size() > lines_max) violations.push_back({"lines", "has more than 100"});
  for (int i = 0; i < request.lines_size(); ++i) {
    const int quantity = request.lines(i).quantity();
    if (quantity >= 0 && quantity <= quantity_max) continue;  // 0 is missing already.
    violations.push_back({"lines[" + std::to_string(i) + "].quantity", "is not from 1 to 1000"});
  }
  return violations.empty() ? grpc::Status::OK : invalid(violations);
}

// When the recount of a product ends; 0 when nobody counts.
int64_t recount_end_ms(Database::Session& session, int64_t product_id, int64_t now) {
  return session.integer("SELECT MAX(end_ms) FROM recounts WHERE product_id = ?1 AND end_ms > ?2",
                         product_id, now);
}

grpc::Status reserve_line(Database::Session& session, const v1::StockLine& line,
                          const std::string& path, v1::Reservation& reservation) {
  v1::Product product;
  if (!get_product(session, line.product_id(), product).ok()) {
    return invalid(path + ".product_id", "there is no such product");
  }
  const int64_t now = now_ms();
  if (const int64_t end = recount_end_ms(session, line.product_id(), now); end != 0) {
    return retry_later(product.title() + " is being counted", std::chrono::milliseconds(end - now));
  }
  if (product.stock() < line.quantity()) {
    return precondition("STOCK", "products/" + std::to_string(line.product_id()),
                        "only " + std::to_string(product.stock()) + " left of " + product.title());
  }
  session.run(
      "UPDATE products SET stock = stock - ?2, sold_count = sold_count + ?2 WHERE product_id = ?1",
      line.product_id(), line.quantity());
  auto* reserved = reservation.add_lines();
  reserved->set_product_id(line.product_id());
  reserved->set_quantity(line.quantity());
  reserved->set_title(product.title());
  *reserved->mutable_price() = product.price();
  return grpc::Status::OK;
}

// The id in "operations/recounts/7"; 0 when it is not such a name.
int64_t recount_id(std::string_view name) {
  if (!name.starts_with(recounts_name)) return 0;
  name.remove_prefix(recounts_name.size());
  int64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  return error == std::errc() && end == name.data() + name.size() ? id : 0;
}

// Columns: recount_id, product_id, start_ms, end_ms.
void read(Database::Session& session, const Rows& rows, Operation& operation) {
  operation.set_name(std::string(recounts_name) + std::to_string(rows.integer(0)));
  v1::RecountMetadata metadata;
  metadata.set_product_id(rows.integer(1));
  *metadata.mutable_start_time() = timestamp(rows.integer(2));
  *metadata.mutable_end_time() = timestamp(rows.integer(3));
  operation.mutable_metadata()->PackFrom(metadata);
  operation.set_done(rows.integer(3) <= now_ms());
  if (!operation.done()) return;
  v1::Product product;
  if (auto status = get_product(session, rows.integer(1), product); status.ok()) {
    operation.mutable_response()->PackFrom(product);
  } else {
    operation.mutable_error()->ParseFromString(status.error_details());
  }
}

}  // namespace

grpc::Status reserve_stock(Database::Session& session, const v1::ReserveStockRequest& request,
                           v1::Reservation& reservation) {
  if (auto status = check(request); !status.ok()) return status;
  Database::Transaction transaction(session);
  {
    auto rows =
        session.query("SELECT message, released FROM reservations WHERE reservation_id = ?1",
                      request.reservation_id());
    if (rows.next()) {
      if (rows.integer(1) != 0) {
        return precondition("RESERVATION", request.reservation_id(), "it is released already");
      }
      reservation.ParseFromString(std::string(rows.text(0)));
      return grpc::Status::OK;
    }
  }
  reservation.set_reservation_id(request.reservation_id());
  for (int i = 0; i < request.lines_size(); ++i) {
    const auto status =
        reserve_line(session, request.lines(i), "lines[" + std::to_string(i) + "]", reservation);
    if (!status.ok()) return status;
  }
  session.run("INSERT INTO reservations (reservation_id, released, message) VALUES (?1, 0, ?2)",
              request.reservation_id(), Blob{reservation.SerializeAsString()});
  transaction.commit();
  return grpc::Status::OK;
}

grpc::Status release_stock(Database::Session& session, const v1::ReleaseStockRequest& request) {
  const auto violations = missing_fields(request);
  if (!violations.empty()) return invalid(violations);
  Database::Transaction transaction(session);
  v1::Reservation reservation;
  {
    auto rows =
        session.query("SELECT message FROM reservations WHERE reservation_id = ?1 AND NOT released",
                      request.reservation_id());
    if (rows.next()) reservation.ParseFromString(std::string(rows.text(0)));
  }
  for (const auto& line : reservation.lines()) {
    session.run(
        "UPDATE products SET stock = stock + ?2, sold_count = sold_count - ?2 "
        "WHERE product_id = ?1",
        line.product_id(), line.quantity());
  }
  session.run(
      "INSERT INTO reservations (reservation_id, released, message) VALUES (?1, 1, x'') "
      "ON CONFLICT (reservation_id) DO UPDATE SET released = 1",
      request.reservation_id());
  transaction.commit();
  return grpc::Status::OK;
}

grpc::Status begin_recount(Database::Session& session, const v1::RecountStockRequest& request,
                           Operation& operation) {
  v1::Product product;
  if (auto status = get_product(session, request.product_id(), product); !status.ok()) {
    return status;
  }
  const int64_t length_ms =
      request.has_duration() ? milliseconds(request.duration()) : recount_default_ms;
  if (length_ms < 0 || length_ms > recount_max_ms) {
    return invalid("duration", "is not from 0s to 3600s");
  }
  if (request.counted().value() < 0) return invalid("counted", "is negative");
  const int64_t now = now_ms();
  if (const int64_t end = recount_end_ms(session, request.product_id(), now); end != 0) {
    return retry_later("somebody counts already", std::chrono::milliseconds(end - now));
  }
  if (request.has_counted()) {
    session.run("UPDATE products SET stock = ?2 WHERE product_id = ?1", request.product_id(),
                request.counted().value());
  }
  session.run("INSERT INTO recounts (product_id, start_ms, end_ms) VALUES (?1, ?2, ?3)",
              request.product_id(), now, now + length_ms);
  return get_recount(session, std::string(recounts_name) + std::to_string(session.last_id()),
                     operation);
}

grpc::Status get_recount(Database::Session& session, const std::string& name,
                         Operation& operation) {
  auto rows = session.query(
      "SELECT recount_id, product_id, start_ms, end_ms FROM recounts WHERE recount_id = ?1",
      recount_id(name));
  if (!rows.next()) return not_found(operation_type, name);
  read(session, rows, operation);
  return grpc::Status::OK;
}

grpc::Status end_recount(Database::Session& session, const std::string& name) {
  const int64_t changed =
      session.run("UPDATE recounts SET end_ms = MIN(end_ms, ?2) WHERE recount_id = ?1",
                  recount_id(name), now_ms());
  return changed == 0 ? not_found(operation_type, name) : grpc::Status::OK;
}

grpc::Status list_recounts(Database::Session& session,
                           const google::longrunning::ListOperationsRequest& request,
                           google::longrunning::ListOperationsResponse& response) {
  if (request.name() != "operations") return invalid("name", "is not operations");
  if (!request.filter().empty()) return invalid("filter", "is not supported");
  Page page;
  if (auto status = read_page(request, page); !status.ok()) return status;
  auto rows = session.query(
      "SELECT recount_id, product_id, start_ms, end_ms FROM recounts WHERE recount_id > ?1 "
      "ORDER BY recount_id LIMIT ?2",
      page.after, page.size + 1);
  int64_t last_id = 0;
  while (rows.next()) {
    if (response.operations_size() == page.size) {
      response.set_next_page_token(page_token(request, last_id));
      break;
    }
    read(session, rows, *response.add_operations());
    last_id = rows.integer(0);
  }
  return grpc::Status::OK;
}

}  // namespace shop
