#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "net/descriptor.h"

namespace parley::gateway {

// Tells systemd, or whoever set NOTIFY_SOCKET, how this process is doing: sd_notify(3)'s protocol,
// one datagram a state. Without NOTIFY_SOCKET it tells nobody. What is not heard is no failure.
class ServiceManager {
 public:
  ServiceManager();

  void ready() const { tell("READY=1"); }
  void reloading() const;  // followed by ready()
  void stopping() const { tell("STOPPING=1"); }
  // This process has handed its work to another one, which is the service from now on.
  void succeeded_by(pid_t pid) const { tell("MAINPID=" + std::to_string(pid)); }

 private:
  void tell(std::string_view state) const;

  net::Descriptor socket_;  // connected; none: there is nobody to tell
};

}  // namespace parley::gateway
