#include "gateway/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace parley::gateway {

Signals::Signals(loop::Loop& loop) : loop_(loop), arrived_(loop) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD}) sigaddset(&set, signal);
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

}  // namespace parley::gateway
