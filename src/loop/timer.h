#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "loop/link.h"

namespace parley::loop {

// Calls `fire` once its time has come. Destroying or cancelling it is always safe.
class Timer : public Link {
 public:
  virtual void fire() = 0;
  Instant due() const { return due_; }

 protected:
  ~Timer() = default;

 private:
  friend class TimerWheel;
  Instant due_{};
};

// A hierarchical timing wheel (Varghese and Lauck, scheme 7): adding and removing cost the same
// whatever their number, for almost all timers (deadlines) are removed before they are due. The
// resolution is one millisecond; a timer never fires early.
class TimerWheel {
 public:
  explicit TimerWheel(Instant start) : origin_(start) {}

  // REQUIRES: !timer.linked()
  void add(Timer& timer, Instant due);
  // Fires what is due. Timers that are added meanwhile wait for the next call.
  void advance(Instant now);
  // A time by which `advance` should be called: never later than the first timer, sometimes
  // earlier. kNever without timers.
  Instant next() const;

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSlots = 1u << kBits;
  static constexpr unsigned kLevels = 7;  // 64^7 ms: 139 years

  void place(Timer& timer);
  uint64_t tick_of(Instant due) const;

  struct Level {
    mutable uint64_t occupied = 0;  // a bit per slot; may be set for a slot that emptied itself
    mutable std::array<List<Timer>, kSlots> slots;
  };
  Instant origin_;
  uint64_t now_ = 0;  // in ticks from origin_
  std::array<Level, kLevels> levels_;
};

}  // namespace parley::loop
