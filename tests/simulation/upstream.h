#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "loop/task_set.h"
#include "net/network.h"
#include "simulation/http2_peer.h"
#include "simulation/ledger.h"

namespace parley::simulation {

class Upstream;

// A connection of the gateway's to an upstream.
struct UpstreamConnection {
  UpstreamConnection(Upstream& upstream, std::unique_ptr<net::ByteStream> stream,
                     const Http2Peer::Options& options);

  Http2Peer peer;
  // Streams above this are not looked at: GOAWAY has said so.
  int32_t last_served = INT32_MAX;
  std::map<int32_t, Call*> running;  // by stream
  int32_t last_answered = 0;         // the highest stream whose answer has begun
  loop::TaskSet calls;               // destroyed first
};

// A call at the upstream, in the hands of a behaviour.
class UpstreamCall {
 public:
  UpstreamCall(Upstream& upstream, UpstreamConnection& connection, Http2Stream& stream, Call& call)
      : upstream_(upstream), connection_(connection), stream_(stream), call_(call) {}

  const std::string& nonce() const { return call_.plan.nonce; }
  const Script& script() const { return call_.plan.script; }

  loop::Task<void> run();

  // What a behaviour can do.
  void respond(uint16_t status, std::string_view content_type, const Fields& more, bool ends);
  void send(std::string_view bytes) { connection_.peer.send(stream_, bytes); }
  void end(const Fields& trailers);
  void reset(uint32_t code);
  void go_away();
  void close_connection();
  void break_connection();
  loop::Task<void> closed();

 private:
  bool refuse();
  void check_head();
  loop::Task<void> answer();
  loop::Task<bool> send_replies();
  loop::Task<bool> take_message();
  loop::Task<void> read_rest();
  void blame(std::string_view what);

  Upstream& upstream_;
  UpstreamConnection& connection_;
  Http2Stream& stream_;
  Call& call_;
  std::string gathered_;  // of a message
  uint32_t taken_ = 0;    // messages of the request
  int pauses_ = 0;
  bool request_ended_ = false;
};

// One endpoint of the simulated upstream: a gRPC server that does with each call what its script
// says, and checks what the gateway sends.
class Upstream {
 public:
  Upstream(loop::Loop& loop, net::Network& network, const net::Address& address, Ledger& ledger,
           Trace& trace, const Http2Peer::Options& options);

  const net::Address& address() const { return address_; }
  size_t connections() const { return connections_.size(); }
  size_t streams_open() const;
  uint64_t streams_begun() const { return streams_begun_; }
  uint64_t streams_over() const { return streams_over_; }
  // As when its process is killed: whatever it was doing ends.
  void crash();
  // How long the gateway may take to come back after trouble.
  Duration recovery{};

 private:
  friend class UpstreamCall;
  friend struct UpstreamConnection;
  class Running;
  loop::Task<void> accept();
  loop::Task<void> serve(std::unique_ptr<net::ByteStream> stream);
  void begin(UpstreamConnection& connection, Http2Stream& stream);
  loop::Task<void> serve_call(UpstreamConnection& connection, Http2Stream& stream, Call& call);

  loop::Loop& loop_;
  const net::Address address_;
  std::unique_ptr<net::Listener> listener_;
  Ledger& ledger_;
  Trace& trace_;
  const Http2Peer::Options options_;
  std::list<std::unique_ptr<UpstreamConnection>> connections_;
  uint64_t streams_begun_ = 0;
  uint64_t streams_over_ = 0;
  loop::TaskSet serving_;
  loop::TaskSet accepting_;
};

}  // namespace parley::simulation
