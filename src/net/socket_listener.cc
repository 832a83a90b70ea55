#include "net/socket_listener.h"

#include <cerrno>

#include <sys/socket.h>

#include "net/net_failure.h"
#include "net/socket_stream.h"

namespace parley::net {
namespace {

// The path of a Unix socket; empty: the address has none.
std::string path_of(const Address& address) {
  constexpr std::string_view kPrefix = "unix:";
  if (!address.is_unix()) return {};
  std::string path = address.text().substr(kPrefix.size());
  return path.starts_with('@') ? std::string() : path;
}

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// What says nothing about the listener: the connection that we would have got is gone already
// (accept(2), "Error handling").
bool is_of_one_connection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP: return true;
    default: return false;
  }
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

SocketListener::SocketListener(loop::Loop& loop, Descriptor descriptor, const Address& address,
                               SocketFile file)
    : loop_(loop),
      descriptor_(std::move(descriptor)),
      address_(address),
      file_(std::move(file)),
      changed_(loop) {
  loop_.poller().add(descriptor_.get(), *this);
}

SocketListener::~SocketListener() { loop_.poller().remove(descriptor_.get(), *this); }

loop::Task<Result<std::unique_ptr<ByteStream>>> SocketListener::accept() {
  for (;;) {
    while (!readable_now_ || accepted_this_turn_ >= kAcceptedPerTurn) co_await changed_.wait();
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* peer = reinterpret_cast<sockaddr*>(&storage);
    Descriptor accepted(::accept4(descriptor_.get(), peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted.valid()) {
      ++accepted_this_turn_;
      loop_.flush_later(*this);
      co_return std::make_unique<SocketStream>(loop_, std::move(accepted), Address(peer, size));
    }
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      readable_now_ = false;
    } else if (is_shortage(error)) {
      ++shortages_;
      co_await loop::sleep_for(loop_, kShortagePause);
    } else if (!is_of_one_connection(error)) {
      co_return listen_failure(address_.text(), error);
    }
  }
}

void SocketListener::ready(bool, bool) {
  readable_now_ = true;
  changed_.notify();
}

void SocketListener::flush() {
  if (std::exchange(accepted_this_turn_, 0) >= kAcceptedPerTurn) changed_.notify();
}

}  // namespace parley::net
