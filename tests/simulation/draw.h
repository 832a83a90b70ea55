#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "base/clock.h"
#include "base/random.h"

namespace parley::simulation {

// What a seed decides. Each part of a run draws from its own, so that a new draw in one part does
// not change what the others do.
class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  // A part's own: named by a number that stays the same.
  Draw part(uint64_t number) const { return Draw(random_seed_of(number)); }

  bool one_in(uint64_t count) { return random_.below(count) == 0; }
  bool percent(uint64_t chance) { return random_.below(100) < chance; }
  uint64_t below(uint64_t bound) { return random_.below(bound); }
  // Evenly, both ends included.
  uint64_t between(uint64_t first, uint64_t last) { return first + below(last - first + 1); }
  uint32_t size(uint32_t first, uint32_t last) {
    return static_cast<uint32_t>(between(first, last));
  }
  Duration time(Duration first, Duration last) {
    return first +
           Duration(static_cast<int64_t>(below(static_cast<uint64_t>((last - first).count()) + 1)));
  }
  template <typename T>
  T any_of(std::initializer_list<T> choices) {
    return choices.begin()[below(choices.size())];
  }
  // One of a table's rows, each as likely as its `weight` says.
  template <typename Row>
  const Row& weighted(std::span<const Row> rows) {
    uint64_t all = 0;
    for (const Row& row : rows) all += row.weight;
    uint64_t at = below(all);
    for (const Row& row : rows) {
      if (at < row.weight) return row;
      at -= row.weight;
    }
    return rows.back();
  }

 private:
  uint64_t random_seed_of(uint64_t number) const {
    Random copy = random_;
    return copy.next() ^ (number * 0x9E3779B97F4A7C15u);
  }
  Random random_;
};

}  // namespace parley::simulation
