#include "simulation/upstream.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "door/timeout.h"
#include "simulation/behaviours.h"

namespace parley::simulation {
namespace {
constexpr int kPausesMax = 5;  // of one slow reader
}  // namespace

UpstreamConnection::UpstreamConnection(Upstream& upstream, std::unique_ptr<net::ByteStream> stream,
                                       const Http2Peer::Options& options)
    : peer(Http2Peer::Side::Server, std::move(stream), options), calls(upstream.loop_) {
  peer.on_request = [this, &upstream](Http2Stream& one) { upstream.begin(*this, one); };
}

Upstream::Upstream(loop::Loop& loop, net::Network& network, const net::Address& address,
                   Ledger& ledger, Trace& trace, const Http2Peer::Options& options)
    : loop_(loop),
      address_(address),
      listener_(*network.listen(address, {})),
      ledger_(ledger),
      trace_(trace),
      options_(options),
      serving_(loop),
      accepting_(loop) {
  accepting_.spawn(accept());
}

void Upstream::crash() {
  ledger_.upstream_trouble(recovery);
  serving_.cancel_all();
  connections_.clear();
}

// A call, as long as it is served.
class Upstream::Running {
 public:
  Running(Upstream& upstream, UpstreamConnection& connection, const Http2Stream& stream, Call& call)
      : upstream_(upstream), connection_(connection), stream_(stream), call_(call) {
    ++upstream_.streams_begun_;
    connection_.running.emplace(stream_.id, &call);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    ++upstream_.streams_over_;
    connection_.running.erase(stream_.id);
    call_.left_upstream = stream_.closed ? stream_.closed_at : upstream_.loop_.now();
  }

 private:
  Upstream& upstream_;
  UpstreamConnection& connection_;
  const Http2Stream& stream_;
  Call& call_;
};

size_t Upstream::streams_open() const {
  size_t all = 0;
  for (const auto& connection : connections_) all += connection->peer.streams_open();
  return all;
}

loop::Task<void> Upstream::accept() {
  for (;;) {
    auto stream = co_await listener_->accept();
    if (!stream) co_return;
    serving_.spawn(serve(*std::move(stream)));
  }
}

loop::Task<void> Upstream::serve(std::unique_ptr<net::ByteStream> stream) {
  trace_.say("upstream {}: connected", address_.text());
  auto& connection = *connections_.emplace_back(
      std::make_unique<UpstreamConnection>(*this, std::move(stream), options_));
  co_await connection.peer.run();
  while (!connection.calls.empty()) co_await connection.calls.emptied();
  if (!connection.peer.violation().empty())
    ledger_.blame("the gateway as client breaks HTTP/2: " + connection.peer.violation());
  trace_.say("upstream {}: connection over", address_.text());
  std::erase_if(connections_, [&](const auto& one) { return one.get() == &connection; });
}

void Upstream::begin(UpstreamConnection& connection, Http2Stream& stream) {
  if (stream.id > connection.last_served) return;
  const auto nonce = stream.head.find("x-nonce");
  Call* call = nonce ? ledger_.find(*nonce) : nullptr;
  if (!call) return ledger_.blame("the upstream is asked for a call that nobody made");
  connection.calls.spawn(serve_call(connection, stream, *call));
}

loop::Task<void> Upstream::serve_call(UpstreamConnection& connection, Http2Stream& stream,
                                      Call& call) {
  if (stream.id > connection.last_served) co_return;  // since this turn
  const Running running(*this, connection, stream, call);
  UpstreamCall served(*this, connection, stream, call);
  co_await served.run();
  // The gateway may have more to say, and always has the last word.
  while (!stream.closed) {
    connection.peer.take(stream);
    co_await stream.changed.wait();
  }
  trace_.say("upstream {}: {} over, code {}", address_.text(), call.plan.nonce, stream.close_code);
}

void UpstreamCall::blame(std::string_view what) {
  upstream_.ledger_.blame(fmt::format("upstream: {} [{}]", what, describe(call_.plan)));
}

loop::Task<void> UpstreamCall::run() {
  check_head();
  if (refuse()) co_return;
  if (script().think > Duration::zero()) co_await loop::sleep_for(upstream_.loop_, script().think);
  if (!stream_.closed) co_await answer();
}

// One attempt, and a second only where the first provably did nothing.
void UpstreamCall::check_head() {
  upstream_.trace_.say("upstream {}: {} arrives", upstream_.address_.text(), nonce());
  if (call_.attempts > 0 && !call_.refused) blame("sent again, though it was not refused");
  if (++call_.attempts > 2) blame("more than two attempts");
  call_.refused = false;
  if (!call_.plan.reaches_upstream()) blame("a flawed request was passed on");
  if (stream_.head.find(":path").value_or("") != call_.plan.method->path) blame("another method");
  if (stream_.head.find("x-request-id").value_or("") != nonce()) blame("another x-request-id");
  const auto limit = call_.plan.timeout ? call_.plan.timeout
                                        : (call_.plan.method->client_streaming ||
                                                   call_.plan.method->server_streaming
                                               ? std::nullopt
                                               : std::optional(kUnaryTimeout));
  const auto text = stream_.head.find("grpc-timeout");
  if (text.has_value() != limit.has_value()) return blame("a deadline too many, or none");
  const auto timeout = text ? door::parse_grpc_timeout(*text) : std::nullopt;
  if (limit && (!timeout || *timeout > *limit)) blame("the deadline has moved away");
}

bool UpstreamCall::refuse() {
  if (call_.attempts > script().refusals) return false;
  call_.refused = true;
  connection_.peer.reset(stream_, NGHTTP2_REFUSED_STREAM);
  return true;
}

loop::Task<void> UpstreamCall::answer() {
  const Behaviour& behaviour = *script().behaviour;
  const bool chats = call_.plan.method->client_streaming && call_.plan.method->server_streaming;
  if (!script().early && !chats) co_await read_rest();
  if (script().interim) connection_.peer.inform(stream_, 103);
  if (behaviour.sends_head) {
    if (stream_.closed) co_return;
    respond(200, "application/grpc", {}, false);
    if (!co_await send_replies()) co_return;
    if (chats && behaviour.promise(script()).code == Code::Ok) co_await read_rest();
  }
  if (stream_.closed) co_return;
  upstream_.trace_.say("upstream {}: {} {}", upstream_.address_.text(), nonce(), behaviour.name);
  co_await behaviour.end(*this);
  if (!request_ended_) co_await read_rest();
}

// False: the gateway has gone.
loop::Task<bool> UpstreamCall::send_replies() {
  const bool chats = call_.plan.method->client_streaming && call_.plan.method->server_streaming;
  for (uint32_t i = 0; i < script().replies; ++i) {
    if (script().gap > Duration::zero()) co_await loop::sleep_for(upstream_.loop_, script().gap);
    if (chats && !co_await take_message()) co_return false;
    if (stream_.closed) co_return false;
    const uint32_t bytes = chats ? call_.plan.messages[i] : script().reply_bytes;
    send(grpc_frame(to_wire(make_item(nonce(), i, bytes))));
  }
  co_return !stream_.closed;
}

// The next message of the request, as it was sent. False: there is none, or the stream is over.
loop::Task<bool> UpstreamCall::take_message() {
  std::string& bytes = gathered_;
  for (;;) {
    if (script().read_pause > Duration::zero() && !stream_.received.empty() &&
        ++pauses_ <= kPausesMax)
      co_await loop::sleep_for(upstream_.loop_, script().read_pause);
    bytes += connection_.peer.take(stream_);
    if (auto message = take_grpc_message(bytes)) {
      const auto& sent = call_.plan.messages;
      if (taken_ >= sent.size()) {
        blame("a message that the client has not sent");
      } else if (from_wire(*message) != make_item(nonce(), taken_, sent[taken_])) {
        blame(fmt::format("message {} is another one", taken_));
      }
      ++taken_;
      co_return true;
    }
    if (stream_.ended) break;
    if (stream_.closed) co_return false;
    co_await stream_.changed.wait();
  }
  request_ended_ = true;
  if (!bytes.empty()) blame("the request ends inside of a message");
  if (taken_ != call_.plan.messages.size() || call_.plan.flaw != Flaw::None)
    blame(fmt::format("the request ends after {} messages", taken_));
  co_return false;
}

loop::Task<void> UpstreamCall::read_rest() {
  while (co_await take_message()) {
  }
}

void UpstreamCall::respond(uint16_t status, std::string_view content_type, const Fields& more,
                           bool ends) {
  connection_.last_answered = std::max(connection_.last_answered, stream_.id);
  Fields head;
  head.add(":status", fmt::to_string(status));
  head.add("content-type", content_type);
  for (const Field field : more) head.add(field.name, field.value);
  connection_.peer.respond(stream_, head, ends);
}

void UpstreamCall::end(const Fields& trailers) {
  if (trailers.empty()) {
    connection_.peer.end(stream_);
  } else {
    connection_.peer.end(stream_, trailers);
  }
}

void UpstreamCall::reset(uint32_t code) {
  if (code == NGHTTP2_REFUSED_STREAM) call_.refused = true;
  connection_.peer.reset(stream_, code);
}

void UpstreamCall::go_away() {
  upstream_.ledger_.goaway();
  connection_.last_served = std::max(stream_.id, connection_.last_answered);
  // As far as the gateway can know these were not looked at: it may send them elsewhere.
  for (const auto& [id, call] : connection_.running) {
    if (id > connection_.last_served) call->refused = true;
  }
  connection_.peer.go_away(connection_.last_served, NGHTTP2_NO_ERROR);
}

void UpstreamCall::close_connection() {
  upstream_.ledger_.upstream_trouble(upstream_.recovery);
  connection_.peer.shutdown();
}

void UpstreamCall::break_connection() {
  upstream_.ledger_.upstream_trouble(upstream_.recovery);
  connection_.peer.abort();
}

loop::Task<void> UpstreamCall::closed() {
  while (!stream_.closed) co_await stream_.changed.wait();
}

}  // namespace parley::simulation
