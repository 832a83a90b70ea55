#include "simulation/http1_client.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "loop/combine.h"
#include "loop/task_set.h"
#include "simulation/http1_answer.h"
#include "simulation/rest.h"

namespace parley::simulation {
namespace {

using std::chrono::milliseconds;

constexpr int kPausesMax = 5;  // of one slow reader

class Http1Client {
 public:
  Http1Client(ClientContext& context, Draw draw, std::string name, bool pipelines)
      : context_(context), draw_(draw), name_(std::move(name)), pipelines_(pipelines) {}

  loop::Task<void> run();

 private:
  void plan_calls();
  loop::Task<void> make_all();
  bool ended_while_idle();
  bool may_be_closed_by_now() const;
  loop::Task<void> send_all();
  loop::Task<void> send(Call& call);
  loop::Task<bool> receive(Call& call);
  loop::Task<Result<bool>> read_answer(Call& call);
  loop::Task<bool> read_more(Call& call);
  void take_answer(Call& call);
  void leave(Call& call, Call::End end);
  void broken(Call& call);
  loop::Task<void> stay();
  loop::Task<void> close();
  loop::Task<Result<void>> read_to_end();

  ClientContext& context_;
  Draw draw_;
  const std::string name_;
  const bool pipelines_;
  std::vector<Call*> calls_;
  ClientLink* link_ = nullptr;
  std::unique_ptr<net::ByteStream> stream_;
  Http1Answer answer_;
  Instant asked_at_ = kNever;  // of what has been answered, the last
  int pauses_ = 0;
  bool over_ = false;   // no more requests: the gateway said so, or the connection is at its end
  std::string unread_;  // of the next answer
};

void Http1Client::plan_calls() {
  const uint64_t count = draw_.between(1, 6);
  for (uint64_t i = 0; i < count; ++i) {
    calls_.push_back(&context_.ledger.open(
        draw_call(draw_, context_.profile, fmt::format("{}-{}", name_, i), false)));
    // What comes behind such a request would be taken for its rest.
    if (calls_.back()->plan.stuck()) break;
  }
}

loop::Task<void> Http1Client::run() {
  plan_calls();
  auto stream = co_await context_.network.connect(context_.gateway);
  if (!stream) {
    for (Call* call : calls_) context_.ledger.ended(*call, Call::End::Unsent, "cannot connect");
    co_return;
  }
  stream_ = *std::move(stream);
  link_ = &context_.faults.link_of(stream_->local());
  for (Call* call : calls_) {
    call->link = link_;
    link_->read_slowly = link_->read_slowly || call->plan.read_pause > Duration::zero();
  }
  co_await make_all();
  co_await close();
}

loop::Task<void> Http1Client::make_all() {
  loop::TaskSet sending(context_.loop);
  if (pipelines_) sending.spawn(send_all());
  for (Call* call : calls_) {
    if (!pipelines_) {
      co_await loop::sleep_for(context_.loop, call->plan.start);
      // The answer may have come before the request was whole.
      while (!sending.empty()) co_await sending.emptied();
      if (ended_while_idle()) break;
      sending.spawn(send(*call));
    }
    if (!co_await receive(*call)) break;
  }
  // An answer may come before the request is whole.
  while (!over_ && calls_.back()->end == Call::End::Answered && !sending.empty())
    co_await sending.emptied();
  sending.cancel_all();
  const bool begun = pipelines_;
  for (Call* call : calls_) {
    if (call->end != Call::End::None) continue;
    // Behind the answer that was the last one, or behind a call that broke.
    call->not_taken = over_;
    context_.ledger.ended(*call, begun ? Call::End::Broken : Call::End::Unsent,
                          "the connection was over");
  }
}

// A connection that nothing is asked on ends after a while, and soon in a drain.
bool Http1Client::may_be_closed_by_now() const {
  return context_.ledger.draining(*link_) ||
         context_.loop.now() - asked_at_ >= context_.http.keep_alive_timeout;
}

// Whether the gateway has closed the connection between two requests, which it may do in a drain.
bool Http1Client::ended_while_idle() {
  if (stream_->broken()) return true;
  const auto chunk = stream_->try_read();
  if (!chunk) return true;
  if (!*chunk) return false;
  if (!(*chunk)->empty()) context_.ledger.blame(name_ + ": bytes that nobody asked for");
  if (!may_be_closed_by_now() && !link_->broken_by_fault)
    context_.ledger.blame(name_ + ": an idle connection was closed");
  over_ = true;
  return true;
}

loop::Task<void> Http1Client::send_all() {
  for (Call* call : calls_) co_await send(*call);
}

loop::Task<void> Http1Client::send(Call& call) {
  const CallPlan& plan = call.plan;
  context_.ledger.began(call);
  const RestRequest request = rest_request(plan);
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nHost: gateway.test\r\nX-Nonce: {}\r\nX-Request-Id: {}\r\n",
                  request.verb, request.target, plan.nonce, plan.nonce);
  if (plan.timeout)
    text += fmt::format("X-Request-Timeout: {}ms\r\n", plan.timeout->count() / 1'000'000);
  if (!request.body.empty()) text += "Content-Type: application/json\r\n";
  if (request.body.empty()) {
    text += "\r\n";
  } else if (plan.chunked) {
    text += fmt::format("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                        request.body.size(), request.body);
  } else {
    text += fmt::format("Content-Length: {}\r\n\r\n{}", request.body.size(), request.body);
  }
  if (plan.flaw == Flaw::StuckHead) text.resize(text.find("\r\nX-Request-Id"));
  if (plan.flaw == Flaw::StuckBody) text.resize(text.size() - request.body.size() / 2 - 10);
  const size_t piece =
      plan.piece == 0 ? text.size() : std::max<size_t>(plan.piece, text.size() / 8 + 1);
  for (std::string_view rest = text; !rest.empty();
       rest.remove_prefix(std::min(piece, rest.size()))) {
    stream_->write_copy(rest.substr(0, piece));
    if (plan.gap > Duration::zero() && rest.size() > piece)
      co_await loop::sleep_for(context_.loop, plan.gap);
  }
}

// False: nothing more will come on this connection.
loop::Task<bool> Http1Client::receive(Call& call) {
  const auto& plan = call.plan;
  call.turn = context_.loop.now();
  const Duration patience = plan.cancel && !pipelines_ ? *plan.cancel : kPatience;
  auto whole = co_await loop::with_deadline(context_.loop, read_answer(call),
                                            deadline_after(context_.loop.now(), patience));
  if (!whole) {
    leave(call, plan.cancel && !pipelines_ ? Call::End::Cancelled : Call::End::GaveUp);
    co_return false;
  }
  if (!*whole) {
    broken(call);
    co_return false;
  }
  take_answer(call);
  co_return !over_;
}

loop::Task<Result<bool>> Http1Client::read_answer(Call& call) {
  answer_ = {};
  pauses_ = 0;
  for (;;) {
    if (answer_.take(unread_)) co_return true;
    if (!answer_.wrong().empty()) {
      context_.ledger.blame(call.plan.nonce + ": " + answer_.wrong());
      co_return false;
    }
    if (!co_await read_more(call)) co_return false;
  }
}

loop::Task<bool> Http1Client::read_more(Call& call) {
  const auto chunk = co_await stream_->read();
  if (!chunk || chunk->empty()) co_return false;
  unread_ += chunk->view();
  if (call.plan.read_pause > Duration::zero() && ++pauses_ <= kPausesMax)
    co_await loop::sleep_for(context_.loop, call.plan.read_pause);
  co_return true;
}

void Http1Client::take_answer(Call& call) {
  Answer answer;
  const std::string wrong = read_rest_answer(call.plan, answer_.status(),
                                             answer_.field("content-type"), answer_.body(), answer);
  if (!wrong.empty()) context_.ledger.blame(call.plan.nonce + ": " + wrong);
  if (answer_.field("x-request-id") != call.plan.nonce && call.plan.flaw != Flaw::StuckHead)
    context_.ledger.blame(call.plan.nonce + ": the answer has another x-request-id");
  over_ = answer_.field("connection") == "close";
  asked_at_ = call.began;
  context_.ledger.answered(call, std::move(answer));
}

void Http1Client::leave(Call& call, Call::End end) {
  context_.ledger.ended(call, end);
  link_->closed_by_client = true;
}

void Http1Client::broken(Call& call) {
  const bool crossed = context_.loop.now() - call.began <= context_.ledger.wire_slack;
  call.not_taken = answer_.empty() && may_be_closed_by_now() && crossed;
  over_ = call.not_taken;
  context_.ledger.ended(call, Call::End::Broken, answer_.empty() ? "before" : "in the answer");
}

// Nothing is asked any more; the gateway may end that only for a reason.
loop::Task<void> Http1Client::stay() {
  const Call& last = *calls_.back();
  const bool clean = last.end == Call::End::Answered && !last.plan.stuck() && !over_;
  const Duration time = draw_stay(draw_);
  if (!clean) co_return;
  const auto ended = co_await loop::with_deadline(context_.loop, read_to_end(),
                                                  deadline_after(context_.loop.now(), time));
  if (ended && !may_be_closed_by_now() && !link_->broken_by_fault && !context_.ledger.crowded)
    context_.ledger.blame(name_ + ": an idle connection was closed");
}

loop::Task<void> Http1Client::close() {
  co_await stay();
  const bool left = std::exchange(link_->closed_by_client, true);
  if (left) {
    if (draw_.one_in(2)) stream_->abort();
    co_return stream_.reset();
  }
  stream_->shutdown();
  const auto ended = co_await loop::with_deadline(context_.loop, read_to_end(),
                                                  deadline_after(context_.loop.now(), kCloseTime));
  if (!ended) context_.ledger.blame(name_ + ": the gateway does not close");
  stream_.reset();
}

loop::Task<Result<void>> Http1Client::read_to_end() {
  for (;;) {
    const auto chunk = co_await stream_->read();
    if (!chunk || chunk->empty()) co_return {};
    // Answers that a broken call has left behind may still come; else nothing does.
    if (over_ || calls_.back()->end == Call::End::Answered)
      context_.ledger.blame(name_ + ": bytes after the last answer");
  }
}

}  // namespace

loop::Task<void> run_http1_client(ClientContext& context, Draw draw, std::string name) {
  Http1Client client(context, draw, std::move(name), false);
  co_await client.run();
}

loop::Task<void> run_pipelining_client(ClientContext& context, Draw draw, std::string name) {
  Http1Client client(context, draw, std::move(name), true);
  co_await client.run();
}

}  // namespace parley::simulation
