#include "loop/timer.h"

#include <algorithm>
#include <bit>

namespace parley::loop {
namespace {
constexpr Duration kTick = std::chrono::milliseconds(1);
}

uint64_t TimerWheel::tick_of(Instant due) const {
  if (due <= origin_) return 0;
  const auto nanoseconds = static_cast<uint64_t>((due - origin_).count());
  const auto tick = static_cast<uint64_t>(kTick.count());
  return nanoseconds / tick + (nanoseconds % tick != 0 ? 1 : 0);
}

void TimerWheel::add(Timer& timer, Instant due) {
  timer.due_ = due;
  place(timer);
}

void TimerWheel::place(Timer& timer) {
  constexpr uint64_t last = (uint64_t{1} << (kBits * kLevels)) - 1;
  const uint64_t tick = std::clamp(tick_of(timer.due_), now_ + 1, last);
  // The level is the highest digit, in base 64, in which the tick differs from now.
  const uint64_t differing = tick ^ now_;
  const unsigned level = static_cast<unsigned>(63 - std::countl_zero(differing)) / kBits;
  const auto slot = static_cast<unsigned>(tick >> (level * kBits)) % kSlots;
  levels_[level].slots[slot].push_back(timer);
  levels_[level].occupied |= uint64_t{1} << slot;
}

Instant TimerWheel::next() const {
  uint64_t best = UINT64_MAX;
  for (unsigned level = 0; level < kLevels; ++level) {
    const Level& here = levels_[level];
    const unsigned shift = level * kBits;
    while (here.occupied != 0) {
      const auto slot = static_cast<unsigned>(std::countr_zero(here.occupied));
      if (here.slots[slot].empty()) {
        here.occupied &= here.occupied - 1;
        continue;
      }
      // A timer differs from now in this digit first, so its slot lies ahead of now's.
      const uint64_t base = now_ >> (shift + kBits) << (shift + kBits);
      best = std::min(best, base + (uint64_t{slot} << shift));
      break;
    }
  }
  return best == UINT64_MAX ? kNever : origin_ + kTick * static_cast<int64_t>(best);
}

void TimerWheel::advance(Instant now) {
  if (now < origin_) return;
  const auto target = static_cast<uint64_t>((now - origin_) / kTick);
  List<Timer> due;
  while (now_ < target) {
    const Instant upcoming = next();
    const uint64_t stop = upcoming == kNever ? target : std::min(target, tick_of(upcoming));
    now_ = std::max(stop, now_ + 1);
    // Digits that came round to zero hand their slot down; the lowest level's slot is due.
    for (unsigned level = kLevels - 1; level > 0; --level) {
      if (now_ & ((uint64_t{1} << (level * kBits)) - 1)) continue;
      const auto slot = static_cast<unsigned>(now_ >> (level * kBits)) % kSlots;
      List<Timer> moving;
      moving.take_all(levels_[level].slots[slot]);
      levels_[level].occupied &= ~(uint64_t{1} << slot);
      while (!moving.empty()) {
        Timer& timer = moving.pop_front();
        if (tick_of(timer.due_) <= now_) {
          due.push_back(timer);
        } else {
          place(timer);
        }
      }
    }
    const auto slot = static_cast<unsigned>(now_) % kSlots;
    due.take_all(levels_[0].slots[slot]);
    levels_[0].occupied &= ~(uint64_t{1} << slot);
  }
  while (!due.empty()) due.pop_front().fire();
}

}  // namespace parley::loop
