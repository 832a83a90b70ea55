#include "simulation/http2_client.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "loop/combine.h"
#include "loop/task_set.h"
#include "simulation/http2_peer.h"
#include "simulation/rest.h"

namespace parley::simulation {
namespace {

using std::chrono::milliseconds;

constexpr int kPausesMax = 5;  // of one slow reader
constexpr uint32_t kCancel = NGHTTP2_CANCEL;

class Http2Client {
 public:
  Http2Client(ClientContext& context, Draw draw, std::string name)
      : context_(context), draw_(draw), name_(std::move(name)), tasks_(context.loop) {}

  loop::Task<void> run();

 private:
  void plan_calls();
  loop::Task<bool> connect();
  loop::Task<void> leave_early(Duration after);
  loop::Task<void> close();
  loop::Task<void> stay();
  bool may_be_sent_away() const;
  loop::Task<void> make(Call& call);
  loop::Task<bool> wait_for_room();
  Fields head_of(const CallPlan& plan) const;
  loop::Task<void> send_messages(Call& call, Http2Stream& stream);
  loop::Task<Result<void>> receive(Call& call, Http2Stream& stream);
  void take_answer(Call& call, Http2Stream& stream, std::string body);
  std::string read_grpc(const Http2Stream& stream, std::string body, Answer& answer) const;
  std::string read_rest(const Call& call, const Http2Stream& stream, std::string_view body,
                        Answer& answer) const;

  ClientContext& context_;
  Draw draw_;
  const std::string name_;
  std::vector<Call*> calls_;
  ClientLink* link_ = nullptr;
  std::unique_ptr<Http2Peer> peer_;
  loop::TaskSet tasks_;  // destroyed first
};

void Http2Client::plan_calls() {
  const uint64_t count = draw_.between(1, draw_.one_in(4) ? 16 : 5);
  for (uint64_t i = 0; i < count; ++i) {
    calls_.push_back(&context_.ledger.open(
        draw_call(draw_, context_.profile, fmt::format("{}-{}", name_, i), !draw_.one_in(4))));
  }
}

loop::Task<void> Http2Client::run() {
  plan_calls();
  if (!co_await connect()) {
    for (Call* call : calls_) context_.ledger.ended(*call, Call::End::Unsent, "cannot connect");
    co_return;
  }
  tasks_.spawn(peer_->run());
  loop::TaskSet calls(context_.loop);
  for (Call* call : calls_) calls.spawn(make(*call));
  if (context_.profile.cancels && draw_.one_in(6))
    tasks_.spawn(leave_early(draw_.time(Duration(0), milliseconds(1500))));
  while (!calls.empty()) co_await calls.emptied();
  co_await close();
}

loop::Task<bool> Http2Client::connect() {
  auto stream = co_await context_.network.connect(context_.gateway);
  if (!stream) co_return false;
  link_ = &context_.faults.link_of((*stream)->local());
  for (Call* call : calls_) {
    call->link = link_;
    call->http2 = true;
    link_->read_slowly = link_->read_slowly || call->plan.read_pause > Duration::zero();
  }
  const Http2Peer::Options options{.window_bytes = draw_.any_of<uint32_t>({1'000, 16'384, 65'535})};
  peer_ = std::make_unique<Http2Peer>(Http2Peer::Side::Client, *std::move(stream), options);
  co_return true;
}

loop::Task<void> Http2Client::leave_early(Duration after) {
  co_await loop::sleep_for(context_.loop, after);
  context_.trace.say("client: {} leaves", name_);
  link_->closed_by_client = true;
  if (draw_.one_in(2)) {
    peer_->abort();
  } else {
    peer_->shutdown();
  }
}

// A connection ends in a drain, when nothing is asked on it for a while, and after a request that
// did not arrive in time.
bool Http2Client::may_be_sent_away() const {
  const bool stuck =
      std::ranges::any_of(calls_, [](const Call* call) { return call->plan.stuck(); });
  return stuck || context_.ledger.draining(*link_) || context_.profile.impatient ||
         context_.ledger.crowded;
}

// Nothing is asked any more; the gateway may end that only for a reason.
loop::Task<void> Http2Client::stay() {
  const Instant due = deadline_after(context_.loop.now(), draw_stay(draw_));
  while (!peer_->ended() && context_.loop.now() < due)
    co_await loop::sleep_for(context_.loop, milliseconds(50));
  if (peer_->ended() && !link_->broken_by_fault && !link_->closed_by_client && !may_be_sent_away())
    context_.ledger.blame(name_ + ": an idle connection was closed");
}

loop::Task<void> Http2Client::close() {
  co_await stay();
  link_->closed_by_client = true;
  peer_->shutdown();
  const Instant due = deadline_after(context_.loop.now(), kCloseTime);
  while (!tasks_.empty() && context_.loop.now() < due)
    co_await loop::sleep_for(context_.loop, milliseconds(100));
  if (!peer_->ended()) context_.ledger.blame(name_ + ": the gateway does not close");
  if (!peer_->violation().empty())
    context_.ledger.blame(name_ + ": the gateway breaks HTTP/2: " + peer_->violation());
}

loop::Task<void> Http2Client::make(Call& call) {
  co_await loop::sleep_for(context_.loop, call.plan.start);
  if (!co_await wait_for_room()) {
    // The gateway may end a connection that nothing is asked on.
    call.not_taken = peer_->going_away() && may_be_sent_away();
    co_return context_.ledger.ended(call, Call::End::Unsent, "the connection is over");
  }
  context_.ledger.began(call);
  Http2Stream* const stream = peer_->request(head_of(call.plan), false);
  if (!stream) co_return context_.ledger.ended(call, Call::End::Unsent, "no stream");
  tasks_.spawn(send_messages(call, *stream));
  const Duration patience = call.plan.cancel.value_or(kPatience);
  const auto received = co_await loop::with_deadline(context_.loop, receive(call, *stream),
                                                     deadline_after(context_.loop.now(), patience));
  if (received) co_return;
  context_.ledger.ended(call, call.plan.cancel ? Call::End::Cancelled : Call::End::GaveUp);
  if (!peer_->ended()) peer_->reset(*stream, kCancel);
}

loop::Task<bool> Http2Client::wait_for_room() {
  while (!peer_->usable()) {
    if (peer_->ended() || peer_->going_away()) co_return false;
    co_await peer_->changed().wait();
  }
  co_return true;
}

Fields Http2Client::head_of(const CallPlan& plan) const {
  Fields head;
  const RestRequest rest = plan.grpc ? RestRequest() : rest_request(plan);
  std::string target(plan.method->path);
  if (plan.flaw == Flaw::UnknownRoute) target += "Nowhere";
  head.add(":method", plan.grpc ? "POST" : rest.verb);
  head.add(":scheme", "http");
  head.add(":authority", "gateway.test");
  head.add(":path", plan.grpc ? target : rest.target);
  head.add("x-nonce", plan.nonce);
  head.add("x-request-id", plan.nonce);
  if (plan.grpc) {
    head.add("content-type", "application/grpc");
    head.add("te", "trailers");
  } else if (!rest.body.empty()) {
    head.add("content-type", "application/json");
  }
  if (plan.timeout && plan.grpc)
    head.add("grpc-timeout", fmt::format("{}u", plan.timeout->count() / 1000));
  if (plan.timeout && !plan.grpc)
    head.add("x-request-timeout", fmt::format("{}ms", plan.timeout->count() / 1'000'000));
  return head;
}

loop::Task<void> Http2Client::send_messages(Call& call, Http2Stream& stream) {
  const CallPlan& plan = call.plan;
  std::vector<std::string> parts;
  for (uint32_t i = 0; plan.grpc && i < plan.messages.size(); ++i)
    parts.push_back(grpc_frame(to_wire(make_item(plan.nonce, i, plan.messages[i]))));
  if (!plan.grpc) parts.push_back(rest_request(plan).body);
  if (plan.flaw == Flaw::StuckHead) co_return;
  if (plan.flaw == Flaw::StuckBody) parts[0].resize(parts[0].size() / 2);
  for (std::string_view part : parts) {
    while (!part.empty()) {
      if (plan.gap > Duration::zero()) co_await loop::sleep_for(context_.loop, plan.gap);
      if (stream.closed) co_return;
      const size_t least = part.size() / 8 + 1;  // so that no message takes for ever
      const std::string_view piece =
          part.substr(0, plan.piece == 0 ? part.size() : std::max<size_t>(plan.piece, least));
      part.remove_prefix(piece.size());
      peer_->send(stream, piece);
    }
  }
  if (plan.flaw != Flaw::StuckBody) peer_->end(stream);
}

loop::Task<Result<void>> Http2Client::receive(Call& call, Http2Stream& stream) {
  std::string body;
  for (int pauses = 0;;) {
    if (!stream.received.empty() && call.plan.read_pause > Duration::zero() &&
        ++pauses <= kPausesMax)
      co_await loop::sleep_for(context_.loop, call.plan.read_pause);
    body += peer_->take(stream);
    if (stream.ended || stream.closed) break;
    co_await stream.changed.wait();
  }
  if (stream.ended) {
    take_answer(call, stream, std::move(body));
  } else {
    call.not_taken = stream.id > peer_->last_stream_served();
    context_.ledger.ended(call, Call::End::Broken, fmt::format("code {}", stream.close_code));
  }
  co_return {};
}

void Http2Client::take_answer(Call& call, Http2Stream& stream, std::string body) {
  Answer answer;
  const std::string_view status = stream.head.find(":status").value_or("");
  std::from_chars(status.data(), status.data() + status.size(), answer.http_status);
  const std::string wrong = call.plan.grpc ? read_grpc(stream, std::move(body), answer)
                                           : read_rest(call, stream, body, answer);
  if (!wrong.empty()) context_.ledger.blame(call.plan.nonce + ": " + wrong);
  if (stream.head.find("x-request-id").value_or("") != call.plan.nonce)
    context_.ledger.blame(call.plan.nonce + ": the answer has another x-request-id");
  context_.ledger.answered(call, std::move(answer));
}

std::string Http2Client::read_grpc(const Http2Stream& stream, std::string body,
                                   Answer& answer) const {
  if (answer.http_status != 200) return "an HTTP status other than 200";
  if (stream.head.find("content-type").value_or("") != "application/grpc") return "no gRPC";
  const bool trailers_only = stream.trailers.empty();
  const Fields& trailers = trailers_only ? stream.head : stream.trailers;
  if (stream.head.count(FieldId::GrpcStatus) + stream.trailers.count(FieldId::GrpcStatus) != 1)
    return "not exactly one grpc-status";
  const std::string_view status = trailers.find(FieldId::GrpcStatus).value_or("");
  uint32_t number = 99;
  std::from_chars(status.data(), status.data() + status.size(), number);
  if (number > 16) return "a grpc-status that is none";
  answer.code = code_from_number(number);
  answer.message = trailers.find(FieldId::GrpcMessage).value_or("");
  while (auto message = take_grpc_message(body)) answer.messages.push_back(*std::move(message));
  answer.torn = !body.empty();
  return {};
}

std::string Http2Client::read_rest(const Call& call, const Http2Stream& stream,
                                   std::string_view body, Answer& answer) const {
  const auto length = stream.head.find("content-length");
  if (length && *length != fmt::to_string(body.size())) return "another content-length";
  return read_rest_answer(call.plan, answer.http_status,
                          stream.head.find("content-type").value_or(""), body, answer);
}

}  // namespace

loop::Task<void> run_http2_client(ClientContext& context, Draw draw, std::string name) {
  Http2Client client(context, draw, std::move(name));
  co_await client.run();
}

}  // namespace parley::simulation
