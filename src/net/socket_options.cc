#include "net/socket_options.h"

#include <chrono>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace parley::net {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

// Bytes that the kernel holds of a connection before the peer's window opens for them. More only
// delays what is urgent, and hides from us that the peer does not read.
constexpr int kUnsentInKernelMax = 128 * 1024;
constexpr int kKeepaliveProbes = 4;
constexpr int kKeepaliveProbeSeconds = 15;

}  // namespace

void set_option(const Descriptor& descriptor, int level, int name, int value) {
  setsockopt(descriptor.get(), level, name, &value, sizeof value);
}

void set_stream_options(const Descriptor& descriptor, const SocketOptions& options) {
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentInKernelMax);
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE,
             static_cast<int>(duration_cast<seconds>(options.keepalive).count()));
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveProbeSeconds);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
}

}  // namespace parley::net
