#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "observe/counter.h"

namespace parley::observe {

// The upper bounds of the duration buckets, in nanoseconds: from what the gateway itself takes to
// what only a timeout ends. Above the last one is +Inf.
inline constexpr std::array<uint64_t, 18> kDurationBounds = {
    100'000,       250'000,       500'000,       1'000'000,      2'500'000,      5'000'000,
    10'000'000,    25'000'000,    50'000'000,    100'000'000,    250'000'000,    500'000'000,
    1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000, 30'000'000'000, 60'000'000'000,
};
// The same in seconds, as the label `le` has them.
inline constexpr std::array<const char*, kDurationBounds.size()> kDurationLabels = {
    "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05",
    "0.1",    "0.25",    "0.5",    "1",     "2.5",    "5",     "10",   "30",    "60",
};

// How long things took. One thread records, any thread reads.
class Histogram {
 public:
  static constexpr size_t kBuckets = kDurationBounds.size() + 1;

  void record(Duration duration) {
    const uint64_t nanoseconds =
        duration.count() > 0 ? static_cast<uint64_t>(duration.count()) : uint64_t{0};
    size_t bucket = 0;
    while (bucket < kDurationBounds.size() && nanoseconds > kDurationBounds[bucket]) ++bucket;
    buckets_[bucket].add();
    sum_.add(nanoseconds);
  }

  // Not cumulative; the count of all is their sum.
  uint64_t bucket(size_t index) const { return buckets_[index].value(); }
  uint64_t sum_nanoseconds() const { return sum_.value(); }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_;
};

}  // namespace parley::observe
