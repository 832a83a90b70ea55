#include <cerrno>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/listening_socket.h"
#include "net/net_failure.h"
#include "net/network.h"
#include "net/socket_listener.h"
#include "net/socket_options.h"
#include "net/socket_stream.h"

namespace parley::net {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

class SocketNetwork final : public Network {
 public:
  SocketNetwork(loop::Loop& loop, const SocketOptions& options) : loop_(loop), options_(options) {}

  Result<std::unique_ptr<Listener>> listen(const Address& address,
                                           const ListenOptions& options) override;
  loop::Task<Result<std::unique_ptr<ByteStream>>> connect(Address address) override;

 private:
  Result<std::unique_ptr<Listener>> share(const Address& address, const ListenOptions& options);

  loop::Loop& loop_;
  const SocketOptions options_;
};

Descriptor open_socket(const Address& address) {
  return Descriptor(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

Result<std::unique_ptr<Listener>> SocketNetwork::listen(const Address& address,
                                                        const ListenOptions& options) {
  if (options.shared_descriptor >= 0) return share(address, options);
  TRY(socket, open_listening_socket(address, options, options_));
  return std::make_unique<SocketListener>(loop_, std::move(socket.descriptor), socket.address,
                                          std::move(socket.file), options.descriptors_kept);
}

Result<std::unique_ptr<Listener>> SocketNetwork::share(const Address& address,
                                                       const ListenOptions& options) {
  Descriptor descriptor(::fcntl(options.shared_descriptor, F_DUPFD_CLOEXEC, 0));
  if (!descriptor.valid()) return listen_failure(address.text(), errno);
  // The copies share this flag; another process may have left it off.
  const int flags = ::fcntl(descriptor.get(), F_GETFL);
  ::fcntl(descriptor.get(), F_SETFL, flags | O_NONBLOCK);
  if (!address.is_unix()) set_stream_options(descriptor, options_);
  const Address name = bound_address(descriptor.get());
  return std::make_unique<SocketListener>(loop_, std::move(descriptor), name, SocketFile(),
                                          options.descriptors_kept);
}

loop::Task<Result<std::unique_ptr<ByteStream>>> SocketNetwork::connect(Address address) {
  Descriptor descriptor = open_socket(address);
  if (!descriptor.valid()) co_return connect_failure(address.text(), errno);
  if (!address.is_unix()) {
    set_stream_options(descriptor, options_);
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

}  // namespace

std::unique_ptr<Network> make_socket_network(loop::Loop& loop, const SocketOptions& options) {
  return std::make_unique<SocketNetwork>(loop, options);
}

}  // namespace parley::net
