#pragma once

#include "simulation/world.h"

namespace parley::simulation {

// What has to hold for every seed, beside what the ledger knows of each call. A new invariant is a
// line in one of these.
struct Invariants {
  explicit Invariants(World& of) : world(of) {}

  // All clients have gone: nothing of theirs is left.
  void check_quiet();
  // The drain is over: what was counted adds up.
  void check_counters();
  // The shard is gone: nothing of it is left.
  void check_end();

  World& world;

 private:
  template <typename A, typename B>
  void expect_equal(std::string_view what, const A& is, const B& should);
};

}  // namespace parley::simulation
