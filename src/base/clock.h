#pragma once

#include <chrono>

namespace parley {

// Monotonic time: deadlines, timers, durations. Its zero means nothing.
using Instant = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;
// Calendar time, for logs and certificates.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

inline constexpr Instant kNever = Instant::max();

// Handed in wherever time matters, so that a test or a simulation owns it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() = 0;
  virtual WallTime wall() = 0;
};

class SystemClock final : public Clock {
 public:
  Instant now() override { return std::chrono::steady_clock::now(); }
  WallTime wall() override { return std::chrono::system_clock::now(); }
};

// Stands still until it is told to move.
class ManualClock final : public Clock {
 public:
  Instant now() override { return now_; }
  WallTime wall() override { return wall_; }
  void advance(Duration by) {
    now_ += by;
    wall_ += by;
  }

 private:
  Instant now_{std::chrono::seconds(1000)};
  WallTime wall_{std::chrono::seconds(1'700'000'000)};
};

// `after` from `start`; kNever when that passes the end of time.
constexpr Instant deadline_after(Instant start, Duration after) {
  return after >= kNever - start ? kNever : start + after;
}

}  // namespace parley
