#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "contract/problem.h"
#include "gateway/settings.h"
#include "gateway/snapshot.h"

namespace parley::gateway {

// What the gateway tells its user while it runs; each from the control thread. `line` has no
// newline.
struct Events {
  std::function<void(const std::string& line)> say;
  // A snapshot went into service: the first, or a changed one.
  std::function<void(const Snapshot& snapshot)> published;
};

// The whole gateway: a control thread (contracts, admin, signals) and one thread a shard.
//
//   start → run → destroyed
class Gateway {
 public:
  Gateway(Settings settings, Events events);
  ~Gateway();

  // Binds the listeners and loads the contracts that are on disk. Problems that keep it from
  // starting: a taken port, a contract that does not load, a conflict.
  std::vector<contract::Problem> start();

  // The addresses that were bound, ports chosen; the admin listener's is last, if there is one.
  std::vector<std::string> addresses() const;

  // Serves until SIGTERM, SIGINT or stop(), then drains. The process's exit status: 0, or 1 when
  // the first contracts conflict.
  int run();

  // From any thread.
  void stop();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace parley::gateway
