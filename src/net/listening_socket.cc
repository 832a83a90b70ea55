#include "net/listening_socket.h"

#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/net_failure.h"
#include "net/socket_options.h"

namespace parley::net {
namespace {

// The path of a Unix socket; empty: the address has none.
std::string path_of(const Address& address) {
  constexpr std::string_view kPrefix = "unix:";
  if (!address.is_unix()) return {};
  std::string path = address.text().substr(kPrefix.size());
  return path.starts_with('@') ? std::string() : path;
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

}  // namespace

SocketFile::SocketFile(const Address& address) : path_(path_of(address)) {
  struct stat status{};
  if (path_.empty() || ::lstat(path_.c_str(), &status) != 0) {
    path_.clear();
    return;
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

SocketFile::~SocketFile() {
  struct stat status{};
  if (path_.empty() || ::lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path_.c_str());
}

bool SocketFile::remove_stale(const Address& address) {
  const std::string path = path_of(address);
  struct stat status{};
  if (path.empty() || ::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode))
    return false;
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe.valid()) return false;
  const bool refused =
      ::connect(probe.get(), address.get(), address.size()) != 0 && errno == ECONNREFUSED;
  return refused && ::unlink(path.c_str()) == 0;
}

Address bound_address(int descriptor) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* name = reinterpret_cast<sockaddr*>(&storage);
  return getsockname(descriptor, name, &size) == 0 ? Address(name, size) : Address();
}

bool shares_port(int descriptor) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &value, &size) == 0 && value != 0;
}

Result<ListeningSocket> open_listening_socket(const Address& address, const ListenOptions& options,
                                              const SocketOptions& socket_options) {
  Descriptor descriptor(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!descriptor.valid()) return listen_failure(address.text(), errno);
  if (!address.is_unix()) {
    set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.reuse_port) set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
    // Accepted connections inherit them: no system call for each.
    set_stream_options(descriptor, socket_options);
  }
  if (const int error = bind_to(descriptor, address)) return listen_failure(address.text(), error);
  SocketFile file(address);
  if (::listen(descriptor.get(), options.backlog) != 0)
    return listen_failure(address.text(), errno);
  const Address name = bound_address(descriptor.get());
  return ListeningSocket{std::move(descriptor), name, std::move(file)};
}

// Without SO_REUSEPORT, binding fails beside sockets that have it.
Result<Address> find_free_address(const Address& address) {
  if (address.is_unix()) return address;
  const Descriptor descriptor(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!descriptor.valid()) return listen_failure(address.text(), errno);
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (const int error = bind_to(descriptor, address)) return listen_failure(address.text(), error);
  return bound_address(descriptor.get());
}

}  // namespace parley::net
