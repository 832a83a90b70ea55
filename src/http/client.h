#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/exchange.h"

namespace parley::http {

// A request that we send, and its response: the mirror of Exchange. Destroying it before the
// response's end resets the stream (RST_STREAM CANCEL).
//
//   write()* [finish()]  and, independently:  head() read()* trailers()
class ClientExchange {
 public:
  virtual ~ClientExchange() = default;

  // Resets the stream (CANCEL): those who wait above resume with a failure.
  virtual void abort() = 0;

  // A part of the request's body; resolves below the high-water mark. Fails when the stream has
  // ended: head() and read() then say how.
  virtual loop::Task<Result<void>> write(Bytes bytes, bool last) = 0;
  virtual void finish() = 0;

  // Waits for the response's head (1xx are skipped). Failures: UpstreamReset (with the HTTP/2 error
  // code in `reset_code`), UpstreamUnavailable (the connection broke), UpstreamMalformed (a
  // protocol error). Remedy RetryElsewhere where the upstream provably did nothing (REFUSED_STREAM,
  // GOAWAY below our stream, never sent).
  virtual loop::Task<Result<ResponseHead>> head() = 0;
  // The next chunk; empty: the end. Memory is returned to the upstream's window when the chunk was
  // taken.
  virtual loop::Task<Result<Bytes>> read() = 0;
  virtual const Fields& trailers() const = 0;  // after the end
  // Whether the response's head, or its end, has arrived: then the awaits above do not wait.
  virtual bool head_arrived() const = 0;
  // The HTTP/2 error code of a reset by the peer; -1: none.
  virtual int64_t reset_code() const = 0;
  virtual uint64_t bytes_sent() const = 0;
};

struct ClientSettings {
  std::string prefix = "upstreams.NAME.";  // of the settings' names, in failures
  uint32_t header_bytes_max = 64 * 1024;
  uint32_t header_count_max = 128;
  uint32_t stream_window_bytes = 256 * 1024;
  int32_t connection_window_bytes = 1 << 20;  // given back on receipt: covers what is in flight
  uint32_t write_buffer_bytes = 64 * 1024;
  uint32_t interim_heads_max = 16;            // 1xx before one answer
  uint32_t overhead_frames_max = 1000;        // as of Settings
  uint32_t continuation_frames_max = 8;       // the same
  uint32_t control_frames_queued_max = 1000;  // answers (PING, SETTINGS) waiting to leave
  Duration ping_interval =
      std::chrono::minutes(5);  // only while calls are open; doubled by ENHANCE_YOUR_CALM
  Duration ping_timeout = std::chrono::seconds(20);
  friend bool operator==(const ClientSettings&, const ClientSettings&) = default;
};

// One HTTP/2 connection to an upstream. Streams are cheap; the pool above decides how many.
class ClientConnection {
 public:
  virtual ~ClientConnection() = default;

  // REQUIRES: available(). `head` has pseudo fields first, lower-case names, and only values that
  // are valid in HTTP/2: the caller checked. With `ends` the request has no body.
  virtual std::unique_ptr<ClientExchange> open(Fields head, bool ends) = 0;

  // Whether the peer's SETTINGS have arrived: it speaks HTTP/2, and its limits are known.
  virtual bool greeted() const = 0;
  // Whether a stream can be opened now: alive, not going away, below the peer's
  // SETTINGS_MAX_CONCURRENT_STREAMS.
  virtual bool available() const = 0;
  virtual bool alive() const = 0;       // false after the end, or GOAWAY with no stream left
  virtual bool going_away() const = 0;  // GOAWAY was received or sent: no new streams
  virtual size_t streams() const = 0;
  virtual uint32_t streams_max() const = 0;  // the peer's setting
  virtual uint32_t peer_header_bytes_max()
      const = 0;  // SETTINGS_MAX_HEADER_LIST_SIZE; UINT32_MAX: not said
  // Whether the peer has begun to answer on it, or said that it took a stream of ours.
  virtual bool was_of_use() const = 0;
  virtual bool calm_asked() const = 0;  // the GOAWAY said ENHANCE_YOUR_CALM: ping less
  // Notified when available(), alive() or going_away() may have changed.
  virtual loop::Signal& changed() = 0;
  // Why the connection ended, for people; empty while it lives.
  virtual const std::string& end_reason() const = 0;
  // No new streams; ends when the last one has.
  virtual void drain() = 0;
};

// Speaks HTTP/2 (prior knowledge) on `stream` at once.
std::unique_ptr<ClientConnection> make_h2_client(std::unique_ptr<net::ByteStream> stream,
                                                 const ClientSettings& settings);

}  // namespace parley::http
