#pragma once

#include <memory>
#include <string_view>

#include "http/exchange.h"
#include "loop/loop.h"
#include "observe/metrics.h"

namespace parley::http {

// Drain: the listener tells its connections to end, each as soon as it has answered what it has.
class Drain {
 public:
  explicit Drain(loop::Loop& loop) : started_(loop) {}
  // `idle_timeout`: how long an HTTP/1.1 connection may still be used for one more request, which
  // tells its client that it ends. Closing it earlier would cross with requests on their way.
  void start(Duration idle_timeout) {
    draining_ = true;
    idle_timeout_ = idle_timeout;
    started_.notify();
  }
  bool draining() const { return draining_; }
  Duration idle_timeout() const { return idle_timeout_; }
  loop::Signal& started() { return started_; }

 private:
  loop::Signal started_;
  bool draining_ = false;
  Duration idle_timeout_{0};
};

// What a server connection borrows; all of it outlives the connection.
struct ServerContext {
  loop::Loop& loop;
  ExchangeService& service;
  const Settings& settings;
  Drain& drain;
  observe::Metrics* metrics = nullptr;  // counts limits that end connections; null: nobody does

  // What no failure of a request says, and the access log counts.
  void count_limit(std::string_view limit) const {
    if (metrics && !limit.empty()) metrics->count_limit(limit);
  }
};

// Serves one connection until its end: HTTP/2 when the client starts with its connection preface
// (prior knowledge) or ALPN said h2, else HTTP/1.1. Destroying the task closes the connection and
// cancels what it serves.
loop::Task<void> serve_connection(std::unique_ptr<net::ByteStream> stream,
                                  const ServerContext& context);

// The two behind it. `first`: bytes that were read already, to decide. `accepted`: since when the
// client may speak; kNever: since now.
loop::Task<void> serve_http1(std::unique_ptr<net::ByteStream> stream, Bytes first,
                             const ServerContext& context);
loop::Task<void> serve_http2(std::unique_ptr<net::ByteStream> stream, Bytes first,
                             const ServerContext& context, Instant accepted = kNever);

}  // namespace parley::http
