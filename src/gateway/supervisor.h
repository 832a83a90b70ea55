#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/clock.h"
#include "net/descriptor.h"

namespace parley::gateway {

// Who watches over this process: systemd, or whoever set NOTIFY_SOCKET. Told by sd_notify(3)'s
// protocol, one datagram a state. Without NOTIFY_SOCKET there is nobody to tell. What is not heard
// is no failure.
class Supervisor {
 public:
  Supervisor();

  void ready() const { tell("READY=1"); }
  void reloading(Instant now) const;  // followed by ready()
  void stopping() const { tell("STOPPING=1"); }
  // This process has handed its work to another one, which is the service from now on.
  void succeeded_by(pid_t pid) const { tell("MAINPID=" + std::to_string(pid)); }

 private:
  void tell(std::string_view state) const;

  net::Descriptor socket_;  // connected; none: there is nobody to tell
};

}  // namespace parley::gateway
