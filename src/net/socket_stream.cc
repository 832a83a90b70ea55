#include "net/socket_stream.h"

#include <cerrno>

#include <sys/socket.h>

#include "net/net_failure.h"

namespace parley::net {

// Tens of thousands of idle connections are normal.
static_assert(sizeof(SocketStream) <= 400);

namespace {
// One write of all; a single entry has the cheaper call.
ssize_t send_some(const Descriptor& descriptor, WriteQueue::Gathered& gathered) {
  if (gathered.count == 1) {
    const iovec& only = gathered.entries[0];
    return ::send(descriptor.get(), only.iov_base, only.iov_len, MSG_NOSIGNAL);
  }
  msghdr message{};
  message.msg_iov = gathered.entries.data();
  message.msg_iovlen = gathered.count;
  return ::sendmsg(descriptor.get(), &message, MSG_NOSIGNAL);
}
}  // namespace

SocketStream::SocketStream(loop::Loop& loop, Descriptor descriptor, const Address& peer)
    : ByteStream(loop), descriptor_(std::move(descriptor)), peer_(peer) {
  loop.poller().add(descriptor_.get(), *this);
}

SocketStream::~SocketStream() {
  if (!queue_.empty()) send_queue();
  if (queue_.empty()) {
    close();
  } else {
    reset();
  }
}

loop::Task<int> SocketStream::connected() {
  while (!writable_now_) co_await writable_.wait();
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(descriptor_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  co_return error;
}

Result<std::optional<Bytes>> SocketStream::try_read() {
  if (!readable_now_) {
    if (read_error_ != 0) return broken_failure(read_error_);
    return std::optional<Bytes>();
  }
  loop::ReadBuffer& buffer = loop().read_buffer();
  char* space = buffer.space();
  ssize_t got;
  do {
    got = ::recv(descriptor_.get(), space, loop::ReadBuffer::kCapacity, 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    const auto size = static_cast<size_t>(got);
    // Less than there was room for means that nothing is left, and new bytes make a new event
    // (epoll(7), question 9). Not so the end, when it was announced together with these bytes.
    if (size < loop::ReadBuffer::kCapacity && !hung_up_) readable_now_ = false;
    return std::optional(buffer.take(size));
  }
  if (got == 0) {
    // A write that was answered with a reset took the error that reading would have found.
    if (write_error_ == ECONNRESET || write_error_ == ETIMEDOUT) return break_reading(write_error_);
    return std::optional(Bytes());
  }
  if (errno != EAGAIN && errno != EWOULDBLOCK) return break_reading(errno);
  readable_now_ = false;
  return std::optional<Bytes>();
}

void SocketStream::write(Bytes bytes) {
  if (broken() || shut_) return;
  queue_.push(std::move(bytes));
  loop().flush_later(*this);
}

void SocketStream::write_copy(std::string_view bytes) {
  if (broken() || shut_) return;
  queue_.push_copy(bytes);
  loop().flush_later(*this);
}

void SocketStream::shutdown() {
  if (shut_) return;
  shut_ = true;
  loop().flush_later(*this);
}

void SocketStream::abort() {
  if (!descriptor_.valid()) return;
  reset();
  readable_now_ = false;
  read_error_ = ECONNABORTED;
  break_writing(ECONNABORTED);
  readable_.notify();
}

const Address& SocketStream::local() const {
  if (!local_) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    const bool known = getsockname(descriptor_.get(), address, &size) == 0;
    local_ = std::make_unique<Address>(known ? Address(address, size) : Address());
  }
  return *local_;
}

const TlsInfo& SocketStream::tls() const {
  static const TlsInfo kNone;
  return kNone;
}

void SocketStream::ready(bool readable, bool writable) {
  if (readable) {
    readable_now_ = true;
    readable_.notify();
  }
  if (writable && !writable_now_) {
    writable_now_ = true;
    if (!queue_.empty()) loop().flush_later(*this);
    // The first such event ends connecting.
    writable_.notify();
  }
}

void SocketStream::hung_up(bool entirely) {
  hung_up_ = true;
  // The error itself is left for reading to find, after the bytes that came before it.
  if (entirely) break_writing(EPIPE);
}

void SocketStream::flush() {
  const size_t before = queue_.size();
  if (writable_now_ && before > 0) send_queue();
  if (queue_.size() < before && queue_.size() < kLowWater) writable_.notify();
  if (shut_ && queue_.empty() && !ended_ && descriptor_.valid()) {
    ended_ = true;
    ::shutdown(descriptor_.get(), SHUT_WR);
  }
}

void SocketStream::send_queue() {
  WriteQueue::Gathered gathered;
  while (!queue_.empty() && descriptor_.valid()) {
    queue_.gather(gathered);
    const ssize_t sent = send_some(descriptor_, gathered);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return break_writing(errno);
    const size_t taken = sent < 0 ? 0 : static_cast<size_t>(sent);
    queue_.drop(taken);
    if (taken < gathered.bytes) {
      writable_now_ = false;
      return;
    }
  }
}

void SocketStream::break_writing(int error) {
  if (write_error_ == 0) write_error_ = error;
  queue_.clear();
  writable_.notify();
}

Failure SocketStream::break_reading(int error) {
  read_error_ = error;
  readable_now_ = false;
  break_writing(error);
  return broken_failure(error);
}

void SocketStream::close() {
  if (!descriptor_.valid()) return;
  loop().poller().remove(descriptor_.get(), *this);
  descriptor_.close();
}

void SocketStream::reset() {
  if (!descriptor_.valid()) return;
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

}  // namespace parley::net
