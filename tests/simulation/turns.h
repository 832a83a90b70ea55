#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "loop/loop.h"

namespace parley::simulation {

// Where a simulated loop sleeps: the clock goes on at once to when it wants to be woken. Counts the
// turns, so that a loop that never comes to rest is found.
class TurnCounter final : public loop::Poller {
 public:
  explicit TurnCounter(ManualClock& clock) : clock_(clock) {}

  void add(int, loop::Watcher&) override {}
  void remove(int, loop::Watcher&) override {}
  void wake() override {}
  void poll(Clock&, Instant until) override {
    ++turns_;
    ++turns_here_;
    most_here_ = std::max(most_here_, turns_here_);
    if (until <= clock_.now()) return;
    clock_.advance(until - clock_.now());
    turns_here_ = 0;
  }

  uint64_t turns() const { return turns_; }
  uint64_t most_at_one_time() const { return most_here_; }

 private:
  ManualClock& clock_;
  uint64_t turns_ = 0;
  uint64_t turns_here_ = 0;  // since the clock has moved
  uint64_t most_here_ = 0;
};

}  // namespace parley::simulation
