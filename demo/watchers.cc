#include "watchers.h"

#include <deque>

#include "aip.h"
#include "order_rows.h"

namespace shop {

namespace {

constexpr size_t unread_events_max = 256;

v1::Shipment shipment(const v1::Order& order) {
  v1::Shipment result;
  result.set_carrier("Petrel Parcels");
  result.set_tracking_number("PP" + std::to_string(1'000'000'000 + order.order_id()));
  *result.mutable_expected_time() =
      timestamp(milliseconds(order.update_time()) + order.delivery_estimate().seconds() * 1000);
  return result;
}

v1::Cancellation cancellation(const v1::Order& order) {
  v1::Cancellation result;
  auto reason = v1::CancelOrderRequest::REASON_UNSPECIFIED;
  v1::CancelOrderRequest::Reason_Parse(order.history().rbegin()->reason(), &reason);
  result.set_reason(reason);
  result.set_note(order.history().rbegin()->note());
  return result;
}

v1::OrderEvent event_of(const v1::Order& order, int64_t sequence) {
  v1::OrderEvent event;
  event.set_sequence(sequence);
  *event.mutable_order() = order;
  if (order.status() == v1::SHIPPED) event.mutable_detail()->PackFrom(shipment(order));
  if (order.status() == v1::CANCELLED) event.mutable_detail()->PackFrom(cancellation(order));
  return event;
}

}  // namespace

// One stream. Events wait in a queue while one is being written; a reader who leaves too many
// unread is told to come back.
class Watch final : public grpc::ServerWriteReactor<v1::OrderEvent> {
 public:
  explicit Watch(Watchers& watchers) : watchers_(watchers) {}

  void push(const v1::Order& order) {
    std::lock_guard lock(mutex_);
    if (last_pushed_) return;
    if (events_.size() == unread_events_max) {
      return end({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many events were left unread"});
    }
    events_.push_back(event_of(order, ++sequence_));
    last_pushed_ = order.status() >= v1::DELIVERED;
    if (events_.size() == 1) StartWrite(&events_.front());
  }

  void fail(const grpc::Status& status) {
    std::lock_guard lock(mutex_);
    end(status);
  }

  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    if (!ok) return end(grpc::Status::CANCELLED);
    events_.pop_front();
    if (ended_) return;
    if (!events_.empty()) return StartWrite(&events_.front());
    if (last_pushed_) end(grpc::Status::OK);
  }

  void OnCancel() override { fail(grpc::Status::CANCELLED); }

  void OnDone() override {
    watchers_.leave(this);
    delete this;
  }

 private:
  void end(const grpc::Status& status) {  // REQUIRES: mutex_ is held.
    last_pushed_ = true;
    if (!std::exchange(ended_, true)) Finish(status);
  }

  Watchers& watchers_;
  std::mutex mutex_;
  // Guarded by mutex_. The front is being written.
  std::deque<v1::OrderEvent> events_;
  int64_t sequence_ = 0;
  bool last_pushed_ = false;
  bool ended_ = false;
};

grpc::ServerWriteReactor<v1::OrderEvent>* Watchers::watch(Database& database, int64_t order_id) {
  auto* watch = new Watch(*this);  // Deletes itself when the call is done.
  auto session = database.session();
  v1::Order order;
  if (auto status = get_order(session, order_id, order); !status.ok()) {
    watch->fail(status);
    return watch;
  }
  {
    std::lock_guard lock(mutex_);
    watches_.emplace(order_id, watch);
  }
  watch->push(order);
  return watch;
}

void Watchers::publish(const v1::Order& order) {
  std::lock_guard lock(mutex_);
  const auto [begin, end] = watches_.equal_range(order.order_id());
  for (auto place = begin; place != end; ++place) place->second->push(order);
}

void Watchers::leave(const Watch* watch) {
  std::lock_guard lock(mutex_);
  std::erase_if(watches_, [watch](const auto& entry) { return entry.second == watch; });
}

}  // namespace shop
