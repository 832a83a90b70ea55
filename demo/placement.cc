#include "placement.h"

#include <algorithm>
#include <cctype>
#include <random>

#include "aip.h"
#include "order_rows.h"
#include "services.h"

namespace shop {

namespace {

constexpr int lines_max = 100;
constexpr int quantity_max = 1000;
constexpr size_t gift_message_max = 500;
constexpr auto own_deadline = std::chrono::seconds(2);

bool passes_on(std::string_view name) {
  return name.starts_with("x-") || name == "authorization" || name == "traceparent" ||
         name == "tracestate" || name == "baggage" || name == "accept-language";
}

bool is_uuid4(std::string_view id) {  // RFC 9562: xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx
  if (id.size() != 36 || id[14] != '4') return false;
  for (size_t i = 0; i < id.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? id[i] != '-' : !std::isxdigit(static_cast<unsigned char>(id[i]))) return false;
  }
  return true;
}

bool is_card_number(std::string_view number) {
  return number.size() >= 12 && number.size() <= 19 &&
         std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void check_line(const v1::OrderLine& line, const std::string& path, Violations& violations) {
  if (line.quantity() < 0 || line.quantity() > quantity_max) {  // 0 is missing already.
    violations.push_back({path + ".quantity", "is not from 1 to 1000"});
  }
  if (line.product_id() < 0) violations.push_back({path + ".product_id", "is negative"});
}

grpc::Status check(const v1::CreateOrderRequest& request) {
  Violations violations = missing_fields(request);
  const auto& order = request.order();
  if (!request.request_id().empty() && !is_uuid4(request.request_id())) {
    violations.push_back({"request_id", "is not a version 4 UUID"});
  }
  if (order.lines_size() > lines_max) violations.push_back({"order.lines", "has more than 100"});
  for (int i = 0; i < order.lines_size(); ++i) {
    check_line(order.lines(i), "order.lines[" + std::to_string(i) + "]", violations);
  }
  for (const auto& [product_id, note] : order.line_notes()) {
    const auto ordered = [id = product_id](const v1::OrderLine& l) { return l.product_id() == id; };
    if (std::any_of(order.lines().begin(), order.lines().end(), ordered)) continue;
    violations.push_back(
        {"order.line_notes", "names a product that is not ordered: " + std::to_string(product_id)});
  }
  if (order.has_card() && !is_card_number(order.card().number())) {
    violations.push_back({"order.card.number", "is not 12 to 19 digits"});
  }
  if (order.gift_message().size() > gift_message_max) {
    violations.push_back({"order.gift_message", "is longer than 500 bytes"});
  }
  return violations.empty() ? grpc::Status::OK : invalid(violations);
}

std::string random_id() {
  std::random_device random;
  char id[33];
  std::snprintf(id, sizeof id, "%08x%08x%08x%08x", random(), random(), random(), random());
  return id;
}

// The bank of this shop trusts everyone.
void authorize(v1::Card& card) {
  card.set_last_digits(card.number().substr(card.number().size() - 4));
  card.set_authorization(random_id());
  card.clear_number();
}

class Placement final : public grpc::ServerUnaryReactor {
 public:
  Placement(OrdersWorld& world, grpc::CallbackServerContext& context,
            const v1::CreateOrderRequest& request, v1::Order& order)
      : world_(world), context_(context), request_(request), order_(order) {
    begin();
  }

  void OnDone() override { delete this; }

 private:
  void begin() {
    if (auto status = check(request_); !status.ok()) return Finish(status);
    if (known()) return finish_with_order();
    ask_users();
  }

  bool known() {
    auto session = world_.database.session();
    return find_order(session, request_.request_id(), order_);
  }

  void ask_users() {
    client_ = on_behalf_of(context_);
    user_request_.set_user_id(request_.order().user_id());
    world_.users->async()->GetUser(client_.get(), &user_request_, &user_,
                                   [this](grpc::Status status) { users_answered(status); });
  }

  void users_answered(const grpc::Status& status) {
    if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
      return Finish(invalid("order.user_id", status.error_message()));
    }
    if (!status.ok()) return Finish(from_service("users", status, ""));
    set_goods_aside();
  }

  void set_goods_aside() {
    client_ = on_behalf_of(context_);
    reserve_.set_reservation_id(random_id());
    for (const auto& line : request_.order().lines()) {
      auto* wanted = reserve_.add_lines();
      wanted->set_product_id(line.product_id());
      wanted->set_quantity(line.quantity());
    }
    world_.catalogue->async()->ReserveStock(
        client_.get(), &reserve_, &reservation_,
        [this](grpc::Status status) { catalogue_answered(status); });
  }

  void catalogue_answered(const grpc::Status& status) {
    if (status.ok() && !context_.IsCancelled()) return write();
    const auto failure =
        status.ok() ? grpc::Status::CANCELLED : from_service("catalogue", status, "order.");
    // A refusal took nothing; after anything else the goods may lie aside.
    const auto code = status.error_code();
    const bool refused =
        code == grpc::StatusCode::INVALID_ARGUMENT || code == grpc::StatusCode::FAILED_PRECONDITION;
    refused ? Finish(failure) : give_back(failure);
  }

  void write() {
    fill();
    {
      auto session = world_.database.session();
      v1::Order other;
      if (find_order(session, request_.request_id(), other)) {
        order_ = other;  // The same request has come twice at a time: the first one counts.
      } else {
        const auto pace = world_.next_step_ms();
        add_order(session, {request_.request_id(), reserve_.reservation_id(), pace}, order_);
        return finish_with_order();
      }
    }
    give_back(grpc::Status::OK);
  }

  void fill() {
    order_ = request_.order();
    clear_output_only(order_);
    order_.clear_lines();
    order_.clear_etag();
    int64_t total = 0;
    for (const auto& reserved : reservation_.lines()) {
      auto* line = order_.add_lines();
      line->set_product_id(reserved.product_id());
      line->set_quantity(reserved.quantity());
      line->set_title(reserved.title());
      *line->mutable_price() = reserved.price();
      total += cents(reserved.price()).value_or(0) * reserved.quantity();
    }
    *order_.mutable_total() = euros(total);
    order_.set_total_cents(total);
    if (order_.has_card()) authorize(*order_.mutable_card());
    if (!order_.has_shipping_address()) ship_home();
  }

  void ship_home() {
    if (user_.addresses().empty()) return;
    const auto& home = user_.addresses(0);
    auto* address = order_.mutable_shipping_address();
    address->set_recipient(user_.display_name());
    *address->mutable_lines() = home.lines();
    address->set_city(home.city());
    address->set_postal_code(home.postal_code());
    address->set_country(home.country());
  }

  void give_back(const grpc::Status& outcome) {
    client_ = on_our_own_behalf();
    release_.set_reservation_id(reserve_.reservation_id());
    world_.catalogue->async()->ReleaseStock(
        client_.get(), &release_, &nothing_,
        [this, outcome](grpc::Status) { outcome.ok() ? finish_with_order() : Finish(outcome); });
  }

  void finish_with_order() {
    send_location(&context_, "/v1/orders/", order_.order_id());
    send_etag(&context_, order_.etag());
    Finish(grpc::Status::OK);
  }

  OrdersWorld& world_;
  grpc::CallbackServerContext& context_;
  const v1::CreateOrderRequest& request_;
  v1::Order& order_;

  // Of the call that is under way.
  std::unique_ptr<grpc::ClientContext> client_;
  v1::GetUserRequest user_request_;
  v1::User user_;
  v1::ReserveStockRequest reserve_;
  v1::Reservation reservation_;
  v1::ReleaseStockRequest release_;
  google::protobuf::Empty nothing_;
};

}  // namespace

int64_t OrdersWorld::next_step_ms() const {
  return pace.count() == 0 ? 0 : now_ms() + pace.count();
}

std::unique_ptr<grpc::ClientContext> on_behalf_of(const grpc::CallbackServerContext& context) {
  auto client = grpc::ClientContext::FromCallbackServerContext(context);
  for (const auto& [name, value] : context.client_metadata()) {
    if (!passes_on({name.data(), name.size()})) continue;
    client->AddMetadata({name.data(), name.size()}, {value.data(), value.size()});
  }
  return client;
}

std::unique_ptr<grpc::ClientContext> on_our_own_behalf() {
  auto client = std::make_unique<grpc::ClientContext>();
  client->set_deadline(std::chrono::system_clock::now() + own_deadline);
  return client;
}

grpc::ServerUnaryReactor* place_order(OrdersWorld& world, grpc::CallbackServerContext& context,
                                      const v1::CreateOrderRequest& request, v1::Order& order) {
  return new Placement(world, context, request, order);  // Deletes itself when the call is done.
}

}  // namespace shop
