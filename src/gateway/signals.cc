#include "gateway/signals.h"

#include <initializer_list>

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace parley::gateway {
namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

sigset_t stops() { return set_of({SIGTERM, SIGINT}); }

}  // namespace

Signals::Signals(loop::Loop& loop) : loop_(loop), arrived_(loop) {
  const sigset_t set = set_of({SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD});
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  descriptor_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  PARLEY_ASSERT(descriptor_ >= 0);
  loop_.poller().add(descriptor_, *this);
}

Signals::~Signals() {
  loop_.poller().remove(descriptor_, *this);
  close(descriptor_);
}

void Signals::ready(bool, bool) {
  signalfd_siginfo info;
  while (read(descriptor_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    switch (info.ssi_signo) {
      case SIGHUP: ++reloads_; break;
      case SIGUSR2: ++upgrades_; break;
      case SIGCHLD: ++children_; break;
      default: ++stops_; break;
    }
  }
  arrived_.notify();
}

StopsAtOnce::StopsAtOnce() {
  const sigset_t set = stops();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

StopsAtOnce::~StopsAtOnce() {
  const sigset_t set = stops();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace parley::gateway
