#include <cerrno>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/net_failure.h"
#include "net/network.h"
#include "net/socket_listener.h"
#include "net/socket_stream.h"

namespace parley::net {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Bytes that the kernel holds of a connection before the peer's window opens for them. More only
// delays what is urgent, and hides from us that the peer does not read.
constexpr int kUnsentInKernelMax = 128 * 1024;
constexpr int kKeepaliveProbes = 4;
constexpr int kKeepaliveProbeSeconds = 15;

// A failing option makes a connection worse, not wrong: it is used without.
void set_option(const Descriptor& descriptor, int level, int name, int value) {
  setsockopt(descriptor.get(), level, name, &value, sizeof value);
}

class SocketNetwork final : public Network {
 public:
  SocketNetwork(loop::Loop& loop, const SocketOptions& options) : loop_(loop), options_(options) {}

  Result<std::unique_ptr<Listener>> listen(const Address& address,
                                           const ListenOptions& options) override;
  loop::Task<Result<std::unique_ptr<ByteStream>>> connect(Address address) override;

 private:
  Result<std::unique_ptr<Listener>> share(const Address& address, int shared);
  void set_stream_options(const Descriptor& descriptor) const;

  loop::Loop& loop_;
  const SocketOptions options_;
};

Descriptor open_socket(const Address& address) {
  return Descriptor(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

Address name_of(const Descriptor& descriptor) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* name = reinterpret_cast<sockaddr*>(&storage);
  return getsockname(descriptor.get(), name, &size) == 0 ? Address(name, size) : Address();
}

// 0, or the errno.
int bind_to(const Descriptor& descriptor, const Address& address) {
  const auto bind = [&] {
    return ::bind(descriptor.get(), address.get(), address.size()) == 0 ? 0 : errno;
  };
  const int error = bind();
  if (error == EADDRINUSE && SocketFile::remove_stale(address)) return bind();
  return error;
}

Result<std::unique_ptr<Listener>> SocketNetwork::listen(const Address& address,
                                                        const ListenOptions& options) {
  if (options.shared_descriptor >= 0) return share(address, options.shared_descriptor);
  Descriptor descriptor = open_socket(address);
  if (!descriptor.valid()) return listen_failure(address.text(), errno);
  if (!address.is_unix()) {
    set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.reuse_port) set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
    // Accepted connections inherit them: no system call for each.
    set_stream_options(descriptor);
  }
  if (const int error = bind_to(descriptor, address)) return listen_failure(address.text(), error);
  SocketFile file(address);
  if (::listen(descriptor.get(), options.backlog) != 0)
    return listen_failure(address.text(), errno);
  const Address name = name_of(descriptor);
  return std::make_unique<SocketListener>(loop_, std::move(descriptor), name, std::move(file));
}

Result<std::unique_ptr<Listener>> SocketNetwork::share(const Address& address, int shared) {
  Descriptor descriptor(::fcntl(shared, F_DUPFD_CLOEXEC, 0));
  if (!descriptor.valid()) return listen_failure(address.text(), errno);
  // The copies share this flag; another process may have left it off.
  const int flags = ::fcntl(descriptor.get(), F_GETFL);
  ::fcntl(descriptor.get(), F_SETFL, flags | O_NONBLOCK);
  const Address name = name_of(descriptor);
  return std::make_unique<SocketListener>(loop_, std::move(descriptor), name, SocketFile());
}

loop::Task<Result<std::unique_ptr<ByteStream>>> SocketNetwork::connect(Address address) {
  Descriptor descriptor = open_socket(address);
  if (!descriptor.valid()) co_return connect_failure(address.text(), errno);
  if (!address.is_unix()) {
    set_stream_options(descriptor);
    set_option(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT,
               static_cast<int>(duration_cast<milliseconds>(options_.unacknowledged_max).count()));
  }
  if (::connect(descriptor.get(), address.get(), address.size()) != 0 && errno != EINPROGRESS)
    co_return connect_failure(address.text(), errno);
  auto stream = std::make_unique<SocketStream>(loop_, std::move(descriptor), address);
  if (const int error = co_await stream->connected())
    co_return connect_failure(address.text(), error);
  // Connecting to a port of the range that the kernel chooses ours from, where nobody listens, can
  // meet itself (RFC 9293, 3.5: simultaneous open).
  if (!address.is_unix() && stream->local() == address)
    co_return connect_failure(address.text(), ECONNREFUSED);
  co_return stream;
}

void SocketNetwork::set_stream_options(const Descriptor& descriptor) const {
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentInKernelMax);
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE,
             static_cast<int>(duration_cast<seconds>(options_.keepalive).count()));
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveProbeSeconds);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
}

}  // namespace

std::unique_ptr<Network> make_socket_network(loop::Loop& loop, const SocketOptions& options) {
  return std::make_unique<SocketNetwork>(loop, options);
}

}  // namespace parley::net
