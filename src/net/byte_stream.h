#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "net/address.h"

namespace parley::net {

// What TLS knows of the connection; empty without TLS.
struct TlsInfo {
  bool active = false;
  bool resumed = false;     // an earlier session goes on
  std::string protocol;     // "TLSv1.3"
  std::string alpn;         // "h2", "http/1.1"
  std::string server_name;  // SNI, as the client wrote it
  // Of a certificate that the peer has shown and that was verified; empty without one.
  std::string peer_subject;             // RFC 4514: "CN=alice,O=Example"
  std::vector<std::string> peer_names;  // subject alternative names: "DNS:...", "URI:spiffe://..."
  std::string peer_hash;                // SHA-256 of the certificate (DER), in lower-case hex
};

// A duplex stream of bytes: TCP, a Unix socket, TLS over either, or memory in tests. One reader,
// one writer, one owner; destroying it closes it.
//
//   (try_read | write)* [shutdown] → destroyed
//
// Errors are sticky: after one, writes are dropped, and try_read fails with it once it has given
// what had arrived before. Destroying a stream sends what is queued, as far as the operating system
// takes it at once, and ends our side; bytes that are left over make it a reset, so that the peer
// never takes a part for the whole. Who must not lose a long tail waits for unsent() == 0 first.
class ByteStream {
 public:
  explicit ByteStream(loop::Loop& loop) : readable_(loop), writable_(loop) {}
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // The next chunk, memory of the loop that is used again unless a part of it is kept; nullopt:
  // nothing has arrived, wait for readable(); an empty chunk: the peer has ended its side.
  virtual Result<std::optional<Bytes>> try_read() = 0;
  virtual loop::Signal& readable() { return readable_; }

  // The same, waiting.
  loop::Task<Result<Bytes>> read();

  // Queues bytes; they leave at the end of the turn, together with others. After shutdown or an
  // error they are dropped.
  virtual void write(Bytes bytes) = 0;
  // The same for bytes that stay the caller's: they are copied.
  virtual void write_copy(std::string_view bytes) { write(Bytes::copy(bytes)); }
  // Queued bytes that the operating system has not taken yet.
  virtual size_t unsent() const = 0;
  // Notified whenever unsent() has fallen and is below kLowWater (so also when it reaches 0), and
  // on failure.
  virtual loop::Signal& writable() { return writable_; }
  static constexpr size_t kLowWater = 64 * 1024;

  // Ends our side after what is queued.
  virtual void shutdown() = 0;
  // Drops what is queued and closes with a reset, so that a peer that does not read cannot hold us.
  virtual void abort() = 0;
  // Whether writing can still reach the peer.
  virtual bool broken() const = 0;

  virtual const Address& peer() const = 0;
  virtual const Address& local() const = 0;
  virtual const TlsInfo& tls() const = 0;

  loop::Loop& loop() { return readable_.loop(); }

 protected:
  loop::Signal readable_;
  loop::Signal writable_;
};

}  // namespace parley::net
