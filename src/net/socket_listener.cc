#include "net/socket_listener.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "net/net_failure.h"
#include "net/socket_stream.h"

namespace parley::net {
namespace {

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

SocketListener::SocketListener(loop::Loop& loop, Descriptor descriptor, const Address& address,
                               SocketFile file, uint64_t descriptors_kept)
    : loop_(loop),
      descriptor_(std::move(descriptor)),
      address_(address),
      file_(std::move(file)),
      changed_(loop),
      descriptors_kept_(descriptors_kept) {
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
      while (is_kept(accepted)) {
        co_await pause(EMFILE);
        // The lowest that is free.
        Descriptor lower(::fcntl(accepted.get(), F_DUPFD_CLOEXEC, 0));
        if (lower.valid() && lower.get() < accepted.get()) accepted = std::move(lower);
      }
      ++accepted_this_turn_;
      loop_.flush_later(*this);
      co_return std::make_unique<SocketStream>(loop_, std::move(accepted), Address(peer, size));
    }
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      readable_now_ = false;
    } else if (is_shortage(error)) {
      co_await pause(error);
    } else if (!is_of_one_connection(error)) {
      co_return listen_failure(address_.text(), error);
    }
  }
}

// New descriptors are the lowest that are free (accept(2)): one of the last ones shows that all
// below are in use. The limit is looked at only then; it may have changed.
bool SocketListener::is_kept(const Descriptor& descriptor) {
  const auto number = static_cast<uint64_t>(descriptor.get());
  if (descriptors_kept_ == 0 || number < first_kept_) return false;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  first_kept_ = limit.rlim_cur - std::min<uint64_t>(limit.rlim_cur, descriptors_kept_);
  return number >= first_kept_;
}

loop::Task<void> SocketListener::pause(int error) {
  ++shortage_.pauses;
  shortage_.error = error;
  co_await loop::sleep_for(loop_, kShortagePause);
}

void SocketListener::ready(bool, bool) {
  readable_now_ = true;
  changed_.notify();
}

void SocketListener::flush() {
  if (std::exchange(accepted_this_turn_, 0) >= kAcceptedPerTurn) changed_.notify();
}

}  // namespace parley::net
