#pragma once

#include "loop/loop.h"

namespace parley::gateway {

// Signals as something that a loop can wait for. Blocks them for the whole process, so it is made
// before any thread.
class Signals final : private loop::Watcher {
 public:
  explicit Signals(loop::Loop& loop);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  // How often each has come so far.
  int stops() const { return stops_; }        // SIGTERM, SIGINT
  int reloads() const { return reloads_; }    // SIGHUP
  int upgrades() const { return upgrades_; }  // SIGUSR2
  int children() const { return children_; }  // SIGCHLD
  loop::Signal& arrived() { return arrived_; }

 private:
  void ready(bool readable, bool writable) override;

  loop::Loop& loop_;
  loop::Signal arrived_;
  int descriptor_ = -1;
  int stops_ = 0;
  int reloads_ = 0;
  int upgrades_ = 0;
  int children_ = 0;
};

// While it lives, SIGTERM and SIGINT end the process at once, as they do where nobody looks for
// them: for the control thread when it waits outside of its loop, and nothing is in service yet.
class StopsAtOnce {
 public:
  StopsAtOnce();
  StopsAtOnce(const StopsAtOnce&) = delete;
  StopsAtOnce& operator=(const StopsAtOnce&) = delete;
  ~StopsAtOnce();
};

}  // namespace parley::gateway
