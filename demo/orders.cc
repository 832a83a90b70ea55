#include <condition_variable>
#include <thread>

#include "aip.h"
#include "order_rows.h"
#include "placement.h"
#include "seed.h"
#include "services.h"
#include "shop/v1/orders.grpc.pb.h"
#include "watchers.h"

namespace shop {

namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

constexpr auto tick = std::chrono::milliseconds(250);
// How long a cancelled order's own call may take to release the goods before the warehouse does.
constexpr int64_t release_patience_ms = 3000;

// A thread that moves new orders on, and releases goods that could not be when it was time.
class Warehouse {
 public:
  Warehouse(OrdersWorld& world, Watchers& watchers)
      : world_(world), watchers_(watchers), thread_([this](std::stop_token stop) { run(stop); }) {}

 private:
  void run(std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stopped.wait_for(lock, stop, tick, [&] { return stop.stop_requested(); })) {
      move_on();
      release();
    }
  }

  void move_on() {
    auto session = world_.database.session();
    for (const int64_t order_id : steps_due(session, now_ms())) {
      v1::Order order;
      if (!get_order(session, order_id, order).ok()) continue;
      if (advance_order(session, world_.next_step_ms(), order).ok()) watchers_.publish(order);
    }
  }

  void release() {
    for (const auto& reservation_id : due()) {
      v1::ReleaseStockRequest request;
      request.set_reservation_id(reservation_id);
      google::protobuf::Empty nothing;
      const auto client = on_our_own_behalf();
      if (!world_.catalogue->ReleaseStock(client.get(), request, &nothing).ok()) return;
      auto session = world_.database.session();
      release_done(session, reservation_id);
    }
  }

  std::vector<std::string> due() {
    auto session = world_.database.session();
    return releases_due(session, now_ms());
  }

  OrdersWorld& world_;
  Watchers& watchers_;
  std::jthread thread_;
};

// CancelOrder: the order is cancelled at once and for good; that the goods are back on the shelf is
// waited for, but if the catalogue is away the warehouse sees to it later.
class Cancelling final : public grpc::ServerUnaryReactor {
 public:
  Cancelling(OrdersWorld& world, Watchers& watchers, Context& context,
             const v1::CancelOrderRequest& request, v1::Order& order)
      : world_(world) {
    const auto status = cancel(watchers, request, order);
    if (status.ok()) send_etag(&context, order.etag());
    if (!status.ok() || release_.reservation_id().empty()) {
      Finish(status);
    } else {
      release();
    }
  }

  void OnDone() override { delete this; }

 private:
  grpc::Status cancel(Watchers& watchers, const v1::CancelOrderRequest& request, v1::Order& order) {
    auto session = world_.database.session();
    bool changed = false;
    const auto status = cancel_order(session, request, now_ms() + release_patience_ms, order,
                                     changed, *release_.mutable_reservation_id());
    if (changed) watchers.publish(order);
    return status;
  }

  void release() {
    client_ = on_our_own_behalf();
    world_.catalogue->async()->ReleaseStock(client_.get(), &release_, &nothing_,
                                            [this](grpc::Status status) { released(status); });
  }

  void released(const grpc::Status& status) {
    if (status.ok()) {
      auto session = world_.database.session();
      release_done(session, release_.reservation_id());
    }
    Finish(grpc::Status::OK);
  }

  OrdersWorld& world_;
  std::unique_ptr<grpc::ClientContext> client_;
  v1::ReleaseStockRequest release_;
  google::protobuf::Empty nothing_;
};

class Orders final : public v1::Orders::CallbackService {
 public:
  Orders(Database& database, const OrdersSettings& settings)
      : world_{database, v1::Users::NewStub(settings.users),
               v1::Catalogue::NewStub(settings.catalogue), settings.pace},
        warehouse_(world_, watchers_) {}

  Reactor* GetOrder(Context* context, const v1::GetOrderRequest* request,
                    v1::Order* order) override {
    const auto status = get(*request, *order);
    if (status.ok()) send_etag(context, order->etag());
    return finish(context, status);
  }

  Reactor* ListOrders(Context* context, const v1::ListOrdersRequest* request,
                      v1::ListOrdersResponse* response) override {
    auto session = world_.database.session();
    return finish(context, list_orders(session, *request, *response));
  }

  Reactor* BatchGetOrders(Context* context, const v1::BatchGetOrdersRequest* request,
                          v1::BatchGetOrdersResponse* response) override {
    auto status = check_batch(request->order_ids_size(), "order_ids");
    auto session = world_.database.session();
    for (int i = 0; status.ok() && i < request->order_ids_size(); ++i) {
      status = get_order(session, request->order_ids(i), *response->add_orders());
    }
    return finish(context, status);
  }

  Reactor* CreateOrder(Context* context, const v1::CreateOrderRequest* request,
                       v1::Order* order) override {
    return place_order(world_, *context, *request, *order);
  }

  Reactor* UpdateOrder(Context* context, const v1::UpdateOrderRequest* request,
                       v1::Order* order) override {
    auto session = world_.database.session();
    const auto status = change_order(session, request->order(), request->update_mask(), *order);
    if (status.ok()) {
      watchers_.publish(*order);
      send_etag(context, order->etag());
    }
    return finish(context, status);
  }

  Reactor* CancelOrder(Context* context, const v1::CancelOrderRequest* request,
                       v1::Order* order) override {
    return new Cancelling(world_, watchers_, *context, *request, *order);
  }

  Reactor* AdvanceOrder(Context* context, const v1::AdvanceOrderRequest* request,
                        v1::Order* order) override {
    auto session = world_.database.session();
    auto status = get_order(session, request->order_id(), *order);
    if (status.ok()) status = check_etag(request->etag(), order->etag());
    if (status.ok()) status = advance_order(session, world_.next_step_ms(), *order);
    if (status.ok()) {
      watchers_.publish(*order);
      send_etag(context, order->etag());
    }
    return finish(context, status);
  }

  grpc::ServerWriteReactor<v1::OrderEvent>* WatchOrder(
      Context*, const v1::WatchOrderRequest* request) override {
    return watchers_.watch(world_.database, request->order_id());
  }

  Reactor* GetRevenue(Context* context, const v1::GetRevenueRequest* request,
                      v1::Revenue* revenue) override {
    auto session = world_.database.session();
    (*revenue->mutable_by_currency())["EUR"] =
        euros(revenue_cents(session, milliseconds(request->since())));
    return finish(context, grpc::Status::OK);
  }

  Reactor* GetOrderStatus(Context* context, const v1::GetOrderRequest* request,
                          v1::OrderStatusReply* reply) override {
    v1::Order order;
    const auto status = get(*request, order);
    reply->set_status(order.status());
    return finish(context, status);
  }

 private:
  grpc::Status get(const v1::GetOrderRequest& request, v1::Order& order) {
    auto session = world_.database.session();
    auto status = get_order(session, request.order_id(), order);
    if (status.ok() && request.user_id() != 0 && request.user_id() != order.user_id()) {
      return not_found(order_type, request.order_id());
    }
    return status;
  }

  OrdersWorld world_;
  Watchers watchers_;
  Warehouse warehouse_;  // Last: its thread uses the others.
};

}  // namespace

Services orders_services(Database& database, const OrdersSettings& settings) {
  database.create(orders_schema, [](Database::Session& session) {
    for (int64_t id = 1; id <= order_count; ++id) put_order(session, seed_order(id));
  });
  Services services;
  services.push_back(
      {v1::Orders::service_full_name(), std::make_unique<Orders>(database, settings)});
  services.push_back(support_service(database));
  return services;
}

}  // namespace shop
