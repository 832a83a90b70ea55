#pragma once

#include "loop/loop.h"

namespace parley::loop {

// A poller without descriptors.
class IdlePoller final : public Poller {
 public:
  void add(int, Watcher&) override {}
  void remove(int, Watcher&) override {}
  void poll(Clock&, Instant) override {}
  void wake() override {}
};

// A loop on a manual clock, for tests without a network.
struct FakeLoop {
  ManualClock clock;
  IdlePoller poller;
  Loop loop{clock, poller};

  // Moves the clock from timer to timer and runs what becomes ready.
  void advance(Duration by);
};

}  // namespace parley::loop
