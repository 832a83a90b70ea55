#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/shard.h"
#include "loop/task_set.h"
#include "net/net_fake.h"
#include "simulation/client.h"
#include "simulation/draw.h"
#include "simulation/faults.h"
#include "simulation/ledger.h"
#include "simulation/turns.h"
#include "simulation/upstream.h"

namespace parley::simulation {

// What came of a seed.
struct Verdict {
  std::vector<std::string> violations;  // empty: everything held
  uint64_t trace_hash = 0;
  uint64_t calls = 0;
  uint64_t answered = 0;
};

// One run: a shard of the gateway between simulated clients and upstreams, on a network in memory,
// with a clock of its own. The seed decides everything.
class World {
 public:
  // `tell` (may be empty) gets each line of the trace.
  World(uint64_t seed, std::function<void(std::string_view)> tell);
  ~World();

  Verdict run();

 private:
  friend struct Invariants;  // looks at everything once the run is over

  // One process of the gateway.
  struct Process {
    gateway::Status status;
    gateway::ClientCounts clients;
    gateway::Notices notices{[](const std::string&) {}};
    std::unique_ptr<gateway::Shard> shard;
    bool drained = false;
    bool retiring = false;
  };

  std::shared_ptr<const gateway::Settings> draw_settings();
  void open_upstreams();
  void open_gateway();
  void publish();
  loop::Task<void> run_client(uint64_t number);
  loop::Task<void> reload_later(Draw draw);
  loop::Task<void> drain_later(Draw draw);
  loop::Task<void> crash_later(Upstream& upstream, Draw draw);
  loop::Task<void> take_over();
  loop::Task<void> look_after_cancel();
  void drain();
  void retire();
  void turn(Instant until);
  int process_number() const { return static_cast<int>(processes_.size()) - 1; }
  Process& serving() { return *processes_.back(); }
  void run_clients();
  void settle();
  void advance(Duration by);
  void end_gateway();

  Draw draw_;
  const Profile profile_;
  ManualClock clock_;
  TurnCounter poller_;
  loop::Loop loop_;
  Trace trace_;
  Ledger ledger_;
  net::MemoryNetwork network_;
  net::MemoryResolver resolver_;
  const net::Address gateway_address_;
  Faults faults_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;

  std::shared_ptr<const gateway::Settings> settings_;
  std::vector<std::unique_ptr<Process>> processes_;      // the last one serves
  std::map<std::string, uint64_t> requests_by_outcome_;  // of those that have ended
  std::map<std::string, uint64_t> limits_hit_;           // the same, by name
  uint64_t request_bytes_ = 0;                           // the same
  uint64_t response_bytes_ = 0;
  uint64_t connections_accepted_ = 0;

  ClientContext context_;
  loop::TaskSet clients_;
  loop::TaskSet events_;
};

}  // namespace parley::simulation
