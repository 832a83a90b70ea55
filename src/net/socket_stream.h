#pragma once

#include <cstdint>
#include <memory>

#include "net/byte_stream.h"
#include "net/descriptor.h"
#include "net/write_queue.h"

namespace parley::net {

// A connected socket on the loop's poller: one registration for its life, edge-triggered. Reads go
// into the loop's block, writes leave at the end of the turn in one gathering write; so an idle
// stream owns no buffer.
class SocketStream final : public ByteStream, private loop::Watcher, private loop::Flusher {
 public:
  // `descriptor` is not blocking; it is connected, or connecting until `connected()` says so.
  SocketStream(loop::Loop& loop, Descriptor descriptor, const Address& peer);
  ~SocketStream() override;

  // Waits for the end of connecting; 0, or its errno.
  loop::Task<int> connected();

  Result<std::optional<Bytes>> try_read() override;
  void write(Bytes bytes) override;
  void write_copy(std::string_view bytes) override;
  size_t unsent() const override { return queue_.size(); }
  void shutdown() override;
  void abort() override;
  bool broken() const override { return write_error_ != 0; }
  const Address& peer() const override { return peer_; }
  const Address& local() const override;
  const TlsInfo& tls() const override;

  int descriptor() const { return descriptor_.get(); }

 private:
  void ready(bool readable, bool writable) override;
  void hung_up(bool entirely) override;
  void flush() override;
  void send_queue();
  void break_writing(int error);
  Failure break_reading(int error);
  void close();
  void reset();

  Descriptor descriptor_;
  int read_error_ = 0;         // sticky
  int write_error_ = 0;        // sticky
  bool readable_now_ = false;  // told, and not read dry since
  bool writable_now_ = false;  // told, and not filled up since
  bool hung_up_ = false;       // no further event announces the end: read until it shows
  bool shut_ = false;          // shutdown() was called
  bool ended_ = false;         // our side has ended: FIN left
  WriteQueue queue_;
  Address peer_;
  mutable std::unique_ptr<Address> local_;  // asked for when somebody wants it
};

}  // namespace parley::net
