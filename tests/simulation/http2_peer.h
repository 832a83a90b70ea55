#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "base/fields.h"
#include "loop/loop.h"
#include "net/byte_stream.h"

namespace parley::simulation {

// One stream of a peer, as far as it has come. Who waits, waits for `changed`.
struct Http2Stream {
  Http2Stream(loop::Loop& loop, int32_t id_) : id(id_), changed(loop), loop_(loop) {}

  const int32_t id;
  Fields head;
  Fields trailers;
  bool head_complete = false;
  bool ended = false;   // the other side has sent END_STREAM
  bool closed = false;  // in both directions, by whomever
  bool was_reset = false;
  Instant closed_at{};
  uint32_t close_code = 0;
  std::string received;  // that nobody has taken yet
  loop::Signal changed;

 private:
  friend class Http2Peer;
  void close() {
    closed = true;
    closed_at = loop_.now();
  }

  loop::Loop& loop_;
  std::string sending_;
  bool sending_end_ = false;
  bool has_trailers_ = false;
  Fields sending_trailers_;
};

// The far end of an HTTP/2 connection of the gateway's: client or server, straight on nghttp2, so
// that it shares no code with what is tested. Strict: what the gateway does wrong is kept as
// `violation`.
//
//   run() once, until the connection ends; everything else meanwhile
class Http2Peer {
 public:
  enum class Side : uint8_t { Client, Server };
  struct Options {
    uint32_t streams_max = 100;         // that the other side may open
    uint32_t window_bytes = 64 * 1024;  // of a stream
  };
  Http2Peer(Side side, std::unique_ptr<net::ByteStream> stream, const Options& options);
  Http2Peer(const Http2Peer&) = delete;
  Http2Peer& operator=(const Http2Peer&) = delete;
  ~Http2Peer();

  loop::Task<void> run();

  // Client: opens a stream; null: the connection takes none any more.
  Http2Stream* request(const Fields& head, bool ends);
  // Server: an interim head, then the head of an answer.
  void inform(Http2Stream& stream, uint16_t status);
  void respond(Http2Stream& stream, const Fields& head, bool ends);
  // Server: called for each request; not from inside of nghttp2.
  std::function<void(Http2Stream&)> on_request;

  void send(Http2Stream& stream, std::string_view bytes);
  void end(Http2Stream& stream);
  void end(Http2Stream& stream, const Fields& trailers);
  // What has come; its window is given back now.
  std::string take(Http2Stream& stream);
  void reset(Http2Stream& stream, uint32_t code);
  // Streams above `last_stream` were not looked at.
  void go_away(int32_t last_stream, uint32_t code);
  void shutdown() { stream_->shutdown(); }  // FIN
  void abort();                             // RST

  // Whether more streams can be opened (client), and why not.
  bool usable() const;
  bool ended() const { return ended_; }
  bool going_away() const { return going_away_; }
  int32_t last_stream_served() const { return last_stream_served_; }  // by GOAWAY
  loop::Signal& changed() { return changed_; }
  const std::string& violation() const { return violation_; }
  size_t streams_open() const { return streams_open_; }
  net::ByteStream& stream() { return *stream_; }

 private:
  struct Callbacks;
  void flush();
  void deliver();
  void end_streams();
  Http2Stream& add(int32_t id);
  Http2Stream* find(int32_t id);
  void blame(std::string what);

  const Side side_;
  std::unique_ptr<net::ByteStream> stream_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, std::unique_ptr<Http2Stream>> streams_;
  std::vector<Http2Stream*> news_;      // to be told, outside of nghttp2
  std::vector<Http2Stream*> requests_;  // the same, to on_request
  size_t streams_open_ = 0;
  bool ended_ = false;
  bool going_away_ = false;
  int32_t last_stream_served_ = INT32_MAX;
  bool greeted_ = false;
  std::string violation_;
  loop::Signal changed_;
};

}  // namespace parley::simulation
