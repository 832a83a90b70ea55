#include "simulation/ledger.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "simulation/behaviours.h"

namespace parley::simulation {
namespace {

constexpr size_t kViolationsMax = 20;
// A client that pauses between reads, or one with it on a connection, is told later.
constexpr Duration kSlowReaderSlack = std::chrono::seconds(8);

// The value of a member of a flat JSON object, without its quotes; empty: it is not there.
std::string_view member(std::string_view json, std::string_view name) {
  const std::string key = fmt::format("\"{}\":", name);
  const size_t at = json.find(key);
  if (at == std::string_view::npos) return {};
  std::string_view value = json.substr(at + key.size());
  const bool quoted = value.starts_with('"');
  if (quoted) value.remove_prefix(1);
  return value.substr(0, value.find_first_of(quoted ? "\"" : ",}"));
}

uint64_t number_of(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// What a flawed request is told.
Promise promise_of_flaw(const CallPlan& plan) {
  switch (plan.flaw) {
    case Flaw::UnknownRoute:
      return plan.grpc ? promise_of(Code::Unimplemented) : promise_of(Code::NotFound, 404);
    case Flaw::WrongVerb: return promise_of(Code::Unimplemented, 405);
    case Flaw::BadBody: return promise_of(Code::InvalidArgument, 400);
    case Flaw::StuckHead:
    case Flaw::StuckBody: return promise_of(Code::Cancelled, 408);
    default: return promise_of(Code::InvalidArgument);
  }
}

Promise promise_of_plan(const CallPlan& plan) {
  if (plan.flaw != Flaw::None) return promise_of_flaw(plan);
  if (plan.script.refusals > 1) return promise_of(Code::Unavailable);
  return plan.script.behaviour->promise(plan.script);
}

Item expected_item(const CallPlan& plan, uint32_t index) {
  const bool echo = plan.method->client_streaming && plan.method->server_streaming;
  return make_item(plan.nonce, index, echo ? plan.messages[index] : plan.script.reply_bytes);
}

}  // namespace

std::string describe(const CallPlan& plan) {
  std::string text =
      fmt::format("{} {} {}: {} messages, upstream {}", plan.nonce, plan.grpc ? "grpc" : "rest",
                  plan.method->path, plan.messages.size(), plan.script.behaviour->name);
  if (plan.flaw != Flaw::None) text += fmt::format(", flaw {}", static_cast<int>(plan.flaw));
  if (plan.script.refusals > 0) text += fmt::format(", after {} refusals", plan.script.refusals);
  if (plan.script.replies != 1) text += fmt::format(", {} replies", plan.script.replies);
  if (plan.timeout) text += fmt::format(", timeout {} us", plan.timeout->count() / 1000);
  if (plan.cancel) text += fmt::format(", cancels after {} us", plan.cancel->count() / 1000);
  return text;
}

Call& Ledger::open(CallPlan plan) {
  Call& call = calls_.emplace_back();
  call.plan = std::move(plan);
  by_nonce_.emplace(call.plan.nonce, &call);
  return call;
}

Call* Ledger::find(std::string_view nonce) {
  const auto found = by_nonce_.find(nonce);
  return found == by_nonce_.end() ? nullptr : found->second;
}

void Ledger::began(Call& call) {
  call.began = loop_.now();
  trace_.say("client: {}", describe(call.plan));
}

void Ledger::answered(Call& call, Answer answer) {
  trace_.say("client: {} answered {} {} with {} messages {}", call.plan.nonce, answer.http_status,
             code_row(answer.code).name, answer.messages.size(), answer.message);
  if (call.end != Call::End::None) blame(call, "answered twice");
  call.end = Call::End::Answered;
  call.ended = loop_.now();
  call.answer = std::move(answer);
}

void Ledger::ended(Call& call, Call::End end, std::string how) {
  if (call.end != Call::End::None) return;
  trace_.say("client: {} ended ({}) {}", call.plan.nonce, static_cast<int>(end), how);
  call.end = end;
  call.ended = loop_.now();
  call.how = std::move(how);
  // By the end of the run the client has closed its connection in any case.
  call.link_gone = call.link && (call.link->broken_by_fault || call.link->closed_by_client);
  if (end == Call::End::Cancelled && call.http2 && cancelled) cancelled();
}

void Ledger::upstream_trouble(Duration recovery) {
  troubles_.push_back({loop_.now(), loop_.now() + recovery});
}

void Ledger::drain_began(int gateway, Duration timeout) {
  drains_.emplace(gateway, loop_.now());
  drain_timeout_ = timeout;
}

Instant Ledger::last_end(int gateway) const {
  Instant last = drains_.at(gateway);
  for (const Call& call : calls_) {
    if (call.link && call.link->gateway == gateway)
      last = std::max(last, call.end == Call::End::None ? loop_.now() : call.ended);
  }
  return last;
}

size_t Ledger::active_at_most(Instant over_by) const {
  return static_cast<size_t>(std::ranges::count_if(calls_, [&](const Call& call) {
    const bool surely_over =
        call.end == Call::End::Answered || (call.http2 && call.end == Call::End::Cancelled);
    return call.began != Instant() && (!surely_over || call.ended > over_by);
  }));
}

size_t Ledger::links_answered() const {
  std::set<const ClientLink*> links;
  for (const Call& call : calls_) {
    if (call.end == Call::End::Answered) links.insert(call.link);
  }
  return links.size();
}

void Ledger::blame(std::string what) {
  trace_.say("WRONG: {}", what);
  if (violations_.size() < kViolationsMax) violations_.push_back(std::move(what));
}

void Ledger::blame(const Call& call, std::string_view what) {
  blame(fmt::format("{} [{}]", what, describe(call.plan)));
}

void Ledger::judge() {
  for (const Call& call : calls_) judge(call);
  const auto stuck = std::ranges::count_if(
      calls_, [](const Call& call) { return call.plan.flaw == Flaw::StuckHead; });
  if (nameless_lines_ > static_cast<uint64_t>(stuck))
    blame(fmt::format("{} requests without a name in the log", nameless_lines_));
}

void Ledger::judge(const Call& call) {
  judge_line(call);
  judge_upstream(call);
  switch (call.end) {
    case Call::End::None: blame(call, "neither answered nor broken"); break;
    case Call::End::Unsent:
      if (!may_stay_unsent(call)) blame(call, "no connection to send it on");
      break;
    case Call::End::Answered: judge_answer(call); break;
    case Call::End::Broken:
      if (!may_break(call)) blame(call, "broke without a reason: " + call.how);
      break;
    case Call::End::Cancelled: break;
    case Call::End::GaveUp: blame(call, "no answer in all this time"); break;
  }
}

bool Ledger::may_break(const Call& call) const {
  // An answer that has left, and is slower than the gateway waits for its client's end.
  const bool on_its_way = slow_wires && call.lines > 0;
  return call.link_gone || call.not_taken || crowded || on_its_way ||
         (past_drain(call) && !can_be_told(call));
}

bool Ledger::may_stay_unsent(const Call& call) const {
  // Between two processes nobody listens for a moment.
  if (!call.link) return !drains_.empty();
  return call.link_gone || call.not_taken || crowded || draining(*call.link);
}

void Ledger::judge_answer(const Call& call) {
  const Promise promise = promise_of_plan(call.plan);
  const Answer& answer = call.answer;
  judge_messages(call);
  judge_time(call);
  if (answer.code == promise.code && promise.ends) {
    const bool own_status = !call.plan.grpc && answer.messages.empty();
    if (answer.code == Code::Ok && answer.messages.size() != call.plan.script.replies)
      blame(call, fmt::format("OK with {} messages", answer.messages.size()));
    if (own_status && answer.http_status != promise.http_status && !explains(call))
      blame(call,
            fmt::format("HTTP status {} instead of {}", answer.http_status, promise.http_status));
    return;
  }
  if (!explains(call))
    blame(call, fmt::format("{} instead of {}: {}", code_row(answer.code).name,
                            promise.ends ? code_row(promise.code).name : "no end", answer.message));
}

// Whether something that went wrong explains the code of the answer.
bool Ledger::explains(const Call& call) const {
  switch (call.answer.code) {
    case Code::DeadlineExceeded:
      return call.plan.timeout && call.ended >= call.began + *call.plan.timeout;
    case Code::Unavailable:
      return troubled(call) || past_drain(call) || refused_twice(call) ||
             (call.plan.script.refusals == 1 && !surely_kept(call));
    case Code::ResourceExhausted:
      return crowded && call.answer.message.find("too many connections") != std::string::npos;
    default: return false;
  }
}

bool Ledger::troubled(const Call& call) const {
  return std::ranges::any_of(troubles_, [&](const Trouble& one) {
    return one.from <= call.ended && call.began <= one.until;
  });
}

// Or as often as it can have been: the upstream does not see requests that cross with its GOAWAY.
bool Ledger::refused_twice(const Call& call) const {
  const auto crossed = std::ranges::count_if(goaways_, [&](Instant when) {
    return when <= call.ended && call.began <= when + wire_slack;
  });
  // A request that is too long to be kept is sent once only. And an upstream that takes few streams
  // may refuse one more by itself, when it has not seen yet that another is over.
  const uint64_t refusals = static_cast<uint64_t>(crossed) + call.plan.script.refusals;
  return refusals >= (surely_kept(call) && !few_streams ? 2u : 1u);
}

// Each part that a request comes in counts for more than its bytes.
bool Ledger::surely_kept(const Call& call) const {
  return call.plan.request_bytes() <= replay_bytes_max / 4;
}

bool Ledger::past_drain(const Call& call) const {
  return draining(*call.link) && call.ended >= drains_.at(call.link->gateway) + drain_timeout_;
}

// That it ends here, by a process at its drain's limit: who has asked in time, and reads.
bool Ledger::can_be_told(const Call& call) const {
  const Instant limit = drains_.at(call.link->gateway) + drain_timeout_;
  const Instant asked = call.http2 ? call.began : call.turn;
  return !slow_wires && !call.link->read_slowly && !call.plan.stuck() && asked != Instant() &&
         asked + wire_slack < limit;
}

// What came is what the upstream sent to this call, and in order.
void Ledger::judge_messages(const Call& call) {
  const auto& messages = call.answer.messages;
  if (messages.size() > call.plan.script.replies || call.plan.flaw != Flaw::None) {
    if (!messages.empty()) blame(call, fmt::format("{} messages", messages.size()));
    return;
  }
  for (uint32_t i = 0; i < messages.size(); ++i) {
    const Item item = expected_item(call.plan, i);
    if (messages[i] != (call.plan.grpc ? to_wire(item) : to_json(item)))
      blame(call, fmt::format("message {} is not this call's: {}", i, messages[i].substr(0, 80)));
  }
  if (call.answer.torn && call.answer.code == Code::Ok) blame(call, "OK with a torn message");
}

void Ledger::judge_time(const Call& call) {
  if (!call.plan.timeout) return;
  const Duration slack = deadline_slack + (call.link->read_slowly ? kSlowReaderSlack : Duration());
  // When the gateway was done with it: its wire may hold an answer up.
  const Instant end = call.lines > 0 ? std::min(call.logged, call.ended) : call.ended;
  if (const Duration late = end - due(call); late > slack)
    blame(call, fmt::format("answered {} ms after its deadline", late.count() / 1'000'000));
}

// When a call with a timeout has to be over.
Instant Ledger::due(const Call& call) const {
  // A header that comes in pieces takes its time too.
  return std::max(call.began + 8 * call.plan.gap, call.turn) + *call.plan.timeout;
}

// The gateway leaves the upstream alone when the time is up, however slow its client is, and when
// the client has cancelled.
void Ledger::judge_upstream(const Call& call) {
  if (call.attempts == 0 || !call.link) return;
  const auto late = [&](Instant end, Duration slack, std::string_view after) {
    const bool excused = std::ranges::any_of(troubles_, [&](const Trouble& one) {
      return one.from <= call.left_upstream && call.began <= one.until;
    });
    if (call.left_upstream <= end + slack || excused) return;
    blame(call, fmt::format("at the upstream until {} ms after {}",
                            (call.left_upstream - end).count() / 1'000'000, after));
  };
  const bool answered = call.end == Call::End::Answered;
  if (call.plan.timeout && (answered || call.http2))
    late(due(call), deadline_slack, "its deadline");
  if (call.http2 && call.end == Call::End::Cancelled)
    late(call.ended, cancel_slack, "its client cancelled it");
}

void Ledger::judge_line(const Call& call) {
  if (call.lines > 1) blame(call, fmt::format("{} lines in the access log", call.lines));
  if (call.end != Call::End::Answered) return;
  if (call.plan.flaw == Flaw::StuckHead) return;  // it has a line, but without its name
  if (call.plan.flaw == Flaw::StuckBody && call.answer.code == Code::Cancelled &&
      !call.line_limit.starts_with("http.body_"))
    blame(call, fmt::format("told of its body's time, logged limit {}", call.line_limit));
  if (call.lines == 0) return blame(call, "answered, but not in the access log");
  if (call.line_status != call.answer.http_status)
    blame(call, fmt::format("answered {}, logged {}", call.answer.http_status, call.line_status));
  if (call.line_code != code_row(call.answer.code).name)
    blame(call,
          fmt::format("answered {}, logged {}", code_row(call.answer.code).name, call.line_code));
}

void Ledger::read_log_line(std::string_view line) {
  trace_.say("log: {}", line);
  const std::string_view status = member(line, "status");
  const std::string_view code = member(line, "code");
  ++lines_by_outcome_[fmt::format("{} {}", status.empty() ? "0" : status, code)];
  request_bytes_ += number_of(member(line, "request_bytes"));
  response_bytes_ += number_of(member(line, "response_bytes"));
  const std::string_view limit = member(line, "limit");
  if (!limit.empty()) ++lines_by_limit_[std::string(limit)];
  Call* call = find(member(line, "request_id"));
  if (!call && limit == "http.header_timeout") return void(++nameless_lines_);
  if (!call) return blame(fmt::format("a line of no request: {}", line));
  ++call->lines;
  call->logged = loop_.now();
  std::from_chars(status.data(), status.data() + status.size(), call->line_status);
  call->line_code = code;
  call->line_limit = limit;
}

}  // namespace parley::simulation
