#pragma once

#include "simulation/world.h"

namespace parley::simulation {

// What has to hold for every seed, beside what the ledger knows of each call. A new invariant is a
// line in one of these.
struct Invariants {
  explicit Invariants(World& of) : world(of) {}

  // All clients have gone: nothing of theirs is left.
  void check_quiet();
  // What was over by then has left the gateway.
  void check_active(Instant over_by);
  // A process is about to end: in time.
  void check_drain(const World::Process& process);
  void add_counters(const observe::Metrics& metrics);
  // All are gone: nothing of them is left, and what they counted adds up.
  void check_end();

  World& world;

 private:
  template <typename A, typename B>
  void expect_equal(std::string_view what, const A& is, const B& should);
};

}  // namespace parley::simulation
