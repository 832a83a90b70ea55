#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include <grpcpp/support/server_callback.h>

#include "database.h"
#include "shop/v1/orders.pb.h"

namespace shop {

class Watch;

// Who watches which order. Whoever changes an order publishes it in the same session of the
// database, so that no watcher misses a change or sees two in the wrong order.
class Watchers {
 public:
  // A stream that begins with the order as it is in the database.
  grpc::ServerWriteReactor<v1::OrderEvent>* watch(Database& database, int64_t order_id);
  void publish(const v1::Order& order);

 private:
  friend class Watch;
  void leave(const Watch* watch);

  std::mutex mutex_;
  std::unordered_multimap<int64_t, Watch*> watches_;  // By order_id; guarded by mutex_.
};

}  // namespace shop
