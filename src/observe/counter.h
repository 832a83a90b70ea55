#pragma once

#include <atomic>
#include <cstdint>

namespace parley::observe {

// A number that one thread changes and any thread reads. Because there is one writer, a plain load
// and store suffice: no locked instruction, no contention.
class Counter {
 public:
  void add(uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  // For a total that the same thread counts elsewhere.
  void set(uint64_t total) { value_.store(total, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// The same for what rises and falls.
class Gauge {
 public:
  void add(int64_t change) {
    value_.store(value_.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
  }
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

}  // namespace parley::observe
