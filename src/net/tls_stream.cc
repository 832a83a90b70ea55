#include "net/tls_stream.h"

#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>

#include "base/assert.h"
#include "loop/combine.h"
#include "net/net_failure.h"
#include "net/openssl_context.h"
#include "net/openssl_failure.h"
#include "net/openssl_peer.h"
#include "net/openssl_sessions.h"
#include "net/put_back.h"
#include "net/write_queue.h"

namespace parley::net {
namespace {

constexpr size_t kRecordMax = 16 * 1024;  // of plain bytes (RFC 8446, 5.1)
// How long a peer whose handshake failed may take to read why. Bytes that it sends meanwhile would
// otherwise turn our end into a reset, which destroys the alert.
constexpr Duration kLinger = std::chrono::seconds(1);
constexpr size_t kLingerBytesMax = 64 * 1024;

// What OpenSSL has written since it was last sent on: sessions take turns with the memory.
ByteBuffer& staged() {
  thread_local ByteBuffer bytes;
  return bytes;
}

// Where plain bytes are put for a reader: blocks apart from the loop's, which the sealed ones are
// in.
loop::ReadBuffer& opened() {
  thread_local loop::ReadBuffer buffer;
  return buffer;
}

// What small writes are gathered in before they become one record.
std::array<char, kRecordMax>& record() {
  thread_local std::array<char, kRecordMax> bytes;
  return bytes;
}

int write_sealed(BIO*, const char* data, int size) {
  staged().append({data, static_cast<size_t>(size)});
  return size;
}

int read_sealed(BIO* bio, char* to, int size) {
  auto& arrived = *static_cast<Bytes*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (arrived.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t count = std::min(arrived.size(), static_cast<size_t>(size));
  std::memcpy(to, arrived.data(), count);
  arrived.remove_prefix(count);
  if (arrived.empty()) arrived = {};  // gives the block back
  return static_cast<int>(count);
}

long control_sealed(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

// OpenSSL reads from and writes to memory; what it is attached to is the chunk that has arrived.
BIO* make_bio(Bytes& arrived) {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* const method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "parley stream");
    BIO_meth_set_write(method, write_sealed);
    BIO_meth_set_read(method, read_sealed);
    BIO_meth_set_ctrl(method, control_sealed);
    return method;
  }();
  BIO* const bio = BIO_new(kMethod);
  PARLEY_ASSERT(bio);
  BIO_set_data(bio, &arrived);
  BIO_set_init(bio, 1);
  return bio;
}

// A verb, or the preface of HTTP/2, is in capitals; types of records are below 32 (RFC 8446, 5.1).
bool begins_like_http(const Bytes& arrived) {
  return arrived.data()[0] >= 'A' && arrived.data()[0] <= 'Z';
}

class TlsStream final : public ByteStream, private loop::Flusher {
 public:
  TlsStream(std::unique_ptr<ByteStream> inner, openssl::Session session, bool server)
      : ByteStream(inner->loop()),
        inner_(std::move(inner)),
        session_(std::move(session)),
        server_(server) {
    BIO* const bio = make_bio(arrived_);
    SSL_set_bio(session_.get(), bio, bio);
    if (server) {
      SSL_set_accept_state(session_.get());
    } else {
      SSL_set_connect_state(session_.get());
    }
  }
  ~TlsStream() override;

  // Until both sides are sure of each other, or a failure.
  loop::Task<Result<void>> handshake();
  // The stream beneath, all of it unread, where a client spoke HTTP without TLS; else null. Nothing
  // but the destructor may follow.
  std::unique_ptr<ByteStream> take_plain();
  // Waits until the peer has taken the alert that says why there will be no connection.
  loop::Task<Result<void>> linger();

  Result<std::optional<Bytes>> try_read() override;
  loop::Signal& readable() override { return inner_->readable(); }
  void write(Bytes bytes) override;
  void write_copy(std::string_view bytes) override;
  size_t unsent() const override { return queue_.size() + inner_->unsent(); }
  loop::Signal& writable() override { return inner_->writable(); }
  void shutdown() override;
  void abort() override { inner_->abort(); }
  bool broken() const override { return write_broken_ || inner_->broken(); }
  const Address& peer() const override { return inner_->peer(); }
  const Address& local() const override { return inner_->local(); }
  const TlsInfo& tls() const override { return info_; }

 private:
  enum class Arrival : uint8_t { Some, Nothing, End };

  void flush() override;
  // Takes the next sealed chunk from the stream beneath.
  Result<Arrival> take_arrived();
  // What the failed call of OpenSSL means: nullopt, it needs more bytes; else it is over.
  std::optional<Failure> failure_of(int result);
  Failure break_reading(Failure failure);
  void break_writing();
  size_t gather(const WriteQueue::Gathered& gathered, const char*& from) const;
  void seal_queue();
  void say_goodbye();
  void send_staged();

  std::unique_ptr<ByteStream> inner_;
  Bytes arrived_;  // sealed, and not taken by OpenSSL yet
  openssl::Session session_;
  const bool server_;
  bool plain_ = false;                     // the client has not begun with TLS
  WriteQueue queue_;                       // plain bytes of this turn
  std::unique_ptr<Failure> read_failure_;  // sticky
  bool write_broken_ = false;              // sticky
  bool established_ = false;
  bool ended_ = false;  // the peer has said close_notify
  bool shut_ = false;   // shutdown() was called
  bool goodbye_said_ = false;
  TlsInfo info_;
};

TlsStream::~TlsStream() {
  if (!inner_ || broken()) return;
  seal_queue();
  if (!broken()) say_goodbye();
}

std::unique_ptr<ByteStream> TlsStream::take_plain() {
  if (!plain_) return nullptr;
  return put_back(std::move(inner_), std::move(arrived_));
}

loop::Task<Result<void>> TlsStream::handshake() {
  for (bool first = server_;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(session_.get());
    std::optional<Failure> failure;
    if (result != 1) failure = failure_of(result);
    send_staged();
    if (failure) co_return *std::move(failure);
    if (result == 1) break;
    CO_TRY(arrival, take_arrived());
    if (arrival == Arrival::End)
      co_return openssl::handshake_failure(tls_cause::kClosed, "the peer closed the connection");
    if (arrival == Arrival::Nothing) {
      co_await inner_->readable().wait();
    } else if (std::exchange(first, false) && begins_like_http(arrived_)) {
      plain_ = true;
      co_return openssl::handshake_failure(tls_cause::kNoTls, "the peer speaks HTTP without TLS");
    }
  }
  established_ = true;
  info_ = openssl::info_of(session_.get());
  if (openssl::peer_expired(session_.get()))
    co_return openssl::handshake_failure(tls_cause::kCertificate,
                                         "the certificate of the resumed session has expired");
  co_return {};
}

loop::Task<Result<void>> TlsStream::linger() {
  inner_->shutdown();
  for (size_t bytes = 0; bytes < kLingerBytesMax;) {
    CO_TRY(chunk, co_await inner_->read());
    if (chunk.empty()) break;
    bytes += chunk.size();
  }
  co_return {};
}

Result<TlsStream::Arrival> TlsStream::take_arrived() {
  TRY(chunk, inner_->try_read());
  if (!chunk) return Arrival::Nothing;
  if (chunk->empty()) return Arrival::End;
  arrived_ = *std::move(chunk);
  return Arrival::Some;
}

std::optional<Failure> TlsStream::failure_of(int result) {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ: return std::nullopt;
    default: return openssl::session_failure(session_.get(), established_);
  }
}

Failure TlsStream::break_reading(Failure failure) {
  read_failure_ = std::make_unique<Failure>(failure.clone());
  return failure;
}

void TlsStream::break_writing() {
  write_broken_ = true;
  queue_.clear();
  writable().notify();
}

Result<std::optional<Bytes>> TlsStream::try_read() {
  if (read_failure_) return read_failure_->clone();
  if (ended_) return std::optional(Bytes());
  char* const space = opened().space();
  size_t size = 0;
  while (size < loop::ReadBuffer::kCapacity) {
    ERR_clear_error();
    size_t got = 0;
    if (SSL_read_ex(session_.get(), space + size, loop::ReadBuffer::kCapacity - size, &got) == 1) {
      size += got;
      continue;
    }
    if (SSL_get_error(session_.get(), 0) == SSL_ERROR_ZERO_RETURN) {
      ended_ = true;
      break;
    }
    if (auto failure = failure_of(0)) {
      break_reading(*std::move(failure));
      break_writing();
      break;
    }
    if (size > 0) break;
    auto arrival = take_arrived();
    if (!arrival) return break_reading(std::move(arrival).error());
    if (*arrival == Arrival::Nothing) break;
    if (*arrival == Arrival::End) {
      break_reading(openssl::truncated());
      break;
    }
  }
  send_staged();  // an alert, or an answer to a change of keys
  if (size > 0) return std::optional(opened().take(size));
  if (read_failure_) return read_failure_->clone();
  return ended_ ? std::optional(Bytes()) : std::optional<Bytes>();
}

void TlsStream::write(Bytes bytes) {
  if (broken() || shut_) return;
  queue_.push(std::move(bytes));
  loop().flush_later(*this);
}

void TlsStream::write_copy(std::string_view bytes) {
  if (broken() || shut_) return;
  queue_.push_copy(bytes);
  loop().flush_later(*this);
}

void TlsStream::shutdown() {
  if (shut_) return;
  shut_ = true;
  loop().flush_later(*this);
}

void TlsStream::flush() {
  if (broken()) return;
  seal_queue();
  if (shut_ && !broken()) {
    say_goodbye();
    inner_->shutdown();
  }
}

// The next plain bytes for OpenSSL, at most one record unless a chunk has more by itself.
size_t TlsStream::gather(const WriteQueue::Gathered& gathered, const char*& from) const {
  const iovec& first = gathered.entries[0];
  if (gathered.count == 1 || first.iov_len >= kRecordMax) {
    from = static_cast<const char*>(first.iov_base);
    return first.iov_len;
  }
  size_t size = 0;
  for (size_t i = 0; i < gathered.count && size < kRecordMax; ++i) {
    const size_t part = std::min(gathered.entries[i].iov_len, kRecordMax - size);
    std::memcpy(record().data() + size, gathered.entries[i].iov_base, part);
    size += part;
  }
  from = record().data();
  return size;
}

void TlsStream::seal_queue() {
  WriteQueue::Gathered gathered;
  while (!queue_.empty()) {
    queue_.gather(gathered);
    const char* from = nullptr;
    const size_t size = gather(gathered, from);
    size_t written = 0;
    ERR_clear_error();
    // The memory behind takes everything; so there is no partial write and no waiting.
    if (SSL_write_ex(session_.get(), from, size, &written) != 1) {
      break_writing();
      break;
    }
    queue_.drop(written);
  }
  send_staged();
}

void TlsStream::say_goodbye() {
  if (goodbye_said_ || !established_) return;
  goodbye_said_ = true;
  ERR_clear_error();
  SSL_shutdown(session_.get());
  send_staged();
}

// Hands on what OpenSSL has written: little is copied, so that its memory serves the next one.
void TlsStream::send_staged() {
  if (staged().empty()) return;
  if (staged().size() <= WriteQueue::kSmallMax) {
    inner_->write_copy(staged().view());
    staged().clear();
  } else {
    inner_->write(staged().take());
  }
}

// The handshake, with its limit in time; after a failure the peer gets to know why.
loop::Task<Result<std::unique_ptr<ByteStream>>> shake_hands(std::unique_ptr<TlsStream> stream,
                                                            Instant deadline,
                                                            std::unique_ptr<ByteStream>* plain) {
  loop::Loop& loop = stream->loop();
  auto done = co_await loop::with_deadline(loop, stream->handshake(), deadline);
  if (done) co_return stream;
  if (done.error().reason() == Reason::DeadlineExpired)
    co_return openssl::handshake_failure(tls_cause::kTimeout, "it took too long");
  if (plain) *plain = stream->take_plain();
  if (plain && *plain) co_return std::move(done).error();
  if (!stream->broken()) {
    auto lingered =
        co_await loop::with_deadline(loop, stream->linger(), deadline_after(loop.now(), kLinger));
    if (!lingered) stream->abort();
  }
  co_return std::move(done).error();
}

}  // namespace

loop::Task<Result<std::unique_ptr<ByteStream>>> accept_tls(std::unique_ptr<ByteStream> stream,
                                                           TlsServerContext context,
                                                           Instant deadline,
                                                           std::unique_ptr<ByteStream>* plain) {
  auto done = co_await shake_hands(
      std::make_unique<TlsStream>(std::move(stream), context.shared().open(), true), deadline,
      plain);
  if (!done && done.error().detail() == tls_cause::kTimeout)
    done.error().with_limit("listeners[].tls.handshake_timeout");
  co_return done;
}

loop::Task<Result<std::unique_ptr<ByteStream>>> connect_tls(std::unique_ptr<ByteStream> stream,
                                                            TlsClientContext context,
                                                            std::string server_name,
                                                            TlsSessionCache* sessions,
                                                            Instant deadline) {
  CO_TRY(session, context.shared().open(server_name));
  if (sessions) sessions->sessions().attach(session.get(), context.shared().number);
  co_return co_await shake_hands(
      std::make_unique<TlsStream>(std::move(stream), std::move(session), false), deadline, nullptr);
}

}  // namespace parley::net
