#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "contract/problem.h"
#include "gateway/settings.h"
#include "gateway/snapshot.h"

namespace parley::gateway {

// What the gateway needs of the program around it. It calls from the control thread.
struct Host {
  // Something for the user to read; `line` has no newline.
  std::function<void(const std::string& line)> say;
  // What is wrong with settings and contracts that were read again.
  std::function<void(std::vector<contract::Problem> problems)> complain;
  // A snapshot went into service: the first, or a changed one.
  std::function<void(const Snapshot& snapshot)> published;
  // Reads the settings again; where `problems` has errors then, they are what could be read.
  std::function<Settings(std::vector<contract::Problem>& problems)> load;
  // Where they come from, to be watched.
  std::set<std::string> files;
  // How the program was called, its name first: for SIGUSR2.
  std::vector<std::string> command;
};

// The whole gateway: a control thread (contracts, admin, signals) and one thread a shard.
//
//   start → run → destroyed
class Gateway {
 public:
  Gateway(Settings settings, Host host);
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
