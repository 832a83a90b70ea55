#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>

#include "gateway/address_counts.h"

namespace parley::gateway {

// How many connections clients have, over all shards. Any thread.
class ConnectionCount {
 public:
  // One connection's place, given back when this is destroyed.
  class Place {
   public:
    Place(Place&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (count_) count_->fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    friend class ConnectionCount;
    explicit Place(std::atomic<size_t>& count) : count_(&count) {}

    std::atomic<size_t>* count_;
  };

  // nullopt: there are as many as there may be.
  std::optional<Place> take(size_t connections_max) {
    size_t count = count_.load(std::memory_order_relaxed);
    do {
      if (count >= connections_max) return std::nullopt;
    } while (!count_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed));
    return Place(count_);
  }

 private:
  std::atomic<size_t> count_ = 0;
};

// What the limits over all clients look at.
struct ClientCounts {
  ConnectionCount connections;
  AddressCounts addresses{0};
};

}  // namespace parley::gateway
