#include "gateway/supervisor.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

namespace parley::gateway {

Supervisor::Supervisor() {
  const char* variable = std::getenv("NOTIFY_SOCKET");
  const std::string_view path = variable ? variable : "";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';  // an abstract socket
  const auto size = static_cast<socklen_t>(sizeof address.sun_family + path.size());
  net::Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return;
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), size) == 0)
    socket_ = std::move(socket);
}

void Supervisor::tell(std::string_view state) const {
  if (!socket_.valid()) return;
  (void)!::send(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL);
}

void Supervisor::reloading(Instant now) const {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(since.count()));
}

}  // namespace parley::gateway
