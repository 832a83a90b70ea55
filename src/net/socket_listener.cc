#include "net/socket_listener.h"

#include <cerrno>

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
