#include "simulation/ledger.h"

#include <gtest/gtest.h>

#include "simulation/behaviours.h"
#include "simulation/turns.h"

// That the ledger blames what is wrong, and nothing else: else a simulation could not fail.
namespace parley::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LedgerTest : public testing::Test {
 protected:
  LedgerTest() {
    ledger.wire_slack = milliseconds(100);
    ledger.deadline_slack = milliseconds(500);
    ledger.cancel_slack = milliseconds(200);
    ledger.replay_bytes_max = 65'536;
  }
  // A unary gRPC call that the upstream answers with one message.
  Call& begin(std::optional<Duration> timeout = std::nullopt) {
    CallPlan plan;
    plan.nonce = "n" + std::to_string(ledger.calls().size());
    plan.method = &kMethods[0];
    plan.grpc = true;
    plan.messages = {0};
    plan.timeout = timeout;
    Draw draw(1);
    draw_behaviour(draw, Profile(), plan.script);
    Call& call = ledger.open(std::move(plan));
    call.link = &link;
    call.http2 = true;
    ledger.began(call);
    call.attempts = 1;
    return call;
  }
  void wait(Duration time) {
    clock.advance(time);
    loop.turn(clock.now());
  }
  void answer(Call& call) {
    ledger.answered(call, {.http_status = 200,
                           .code = Code::Ok,
                           .message = {},
                           .messages = {to_wire(make_item(call.plan.nonce, 0, 0))}});
    call.left_upstream = call.ended;
    log(call, 200, "OK");
  }
  void log(const Call& call, int status, std::string_view code) {
    ledger.read_log_line(fmt::format(R"({{"status":{},"code":"{}","request_id":"{}"}})", status,
                                     code, call.plan.nonce));
  }
  // The first thing that is wrong; empty: nothing.
  std::string verdict() {
    ledger.judge();
    return ledger.violations().empty() ? "" : ledger.violations().front();
  }
  bool blames(std::string_view what) { return verdict().find(what) != std::string::npos; }

  ManualClock clock;
  TurnCounter poller{clock};
  loop::Loop loop{clock, poller};
  Trace trace{clock, {}};
  Ledger ledger{loop, trace};
  ClientLink link;
};

TEST_F(LedgerTest, finds_nothing_wrong_with_a_call_that_is_answered) {
  answer(begin());
  EXPECT_EQ(verdict(), "");
}

TEST_F(LedgerTest, blames_a_call_that_never_ends) {
  begin();
  EXPECT_TRUE(blames("neither answered nor broken"));
}

TEST_F(LedgerTest, blames_another_code_than_the_upstream_said) {
  Call& call = begin();
  ledger.answered(call,
                  {.http_status = 200, .code = Code::Internal, .message = {}, .messages = {}});
  log(call, 200, "INTERNAL");
  EXPECT_TRUE(blames("INTERNAL instead of OK"));
}

TEST_F(LedgerTest, blames_a_message_of_another_call) {
  Call& call = begin();
  ledger.answered(call, {.http_status = 200,
                         .code = Code::Ok,
                         .message = {},
                         .messages = {to_wire(make_item("other", 0, 0))}});
  log(call, 200, "OK");
  EXPECT_TRUE(blames("is not this call's"));
}

TEST_F(LedgerTest, blames_an_answer_without_a_line_in_the_log) {
  Call& silent = begin();
  answer(silent);
  silent.lines = 0;
  EXPECT_TRUE(blames("not in the access log"));
}

TEST_F(LedgerTest, blames_a_line_that_says_something_else) {
  Call& call = begin();
  answer(call);
  call.line_status = 503;
  EXPECT_TRUE(blames("answered 200, logged 503"));
}

TEST_F(LedgerTest, blames_a_call_that_breaks_without_a_fault) {
  ledger.ended(begin(), Call::End::Broken, "code 2");
  EXPECT_TRUE(blames("broke without a reason: code 2"));
}

TEST_F(LedgerTest, does_not_excuse_a_call_that_breaks_before_its_client_closes_the_connection) {
  ledger.ended(begin(), Call::End::Broken, "code 2");
  link.closed_by_client = true;
  EXPECT_TRUE(blames("broke without a reason: code 2"));
}

TEST_F(LedgerTest, excuses_a_call_whose_connection_was_reset_by_a_fault) {
  link.broken_by_fault = true;
  ledger.ended(begin(), Call::End::Broken, "code 2");
  EXPECT_EQ(verdict(), "");
}

TEST_F(LedgerTest, blames_an_answer_after_the_deadline) {
  Call& call = begin(milliseconds(100));
  wait(seconds(2));
  answer(call);
  call.left_upstream = call.began;
  EXPECT_TRUE(blames("answered 1900 ms after its deadline"));
}

TEST_F(LedgerTest, blames_a_slow_client_s_call_that_the_upstream_still_has_after_the_deadline) {
  link.read_slowly = true;
  Call& call = begin(milliseconds(100));
  wait(seconds(2));
  answer(call);
  EXPECT_TRUE(blames("at the upstream until 1900 ms after its deadline"));
}

TEST_F(LedgerTest, blames_a_cancelled_call_that_the_upstream_still_has) {
  Call& call = begin();
  ledger.ended(call, Call::End::Cancelled);
  wait(seconds(1));
  call.left_upstream = loop.now();
  EXPECT_TRUE(blames("at the upstream until 1000 ms after its client cancelled it"));
}

TEST_F(LedgerTest, does_not_count_a_cancelled_call_among_those_that_may_run) {
  Call& call = begin();
  begin();
  const Instant before = loop.now();
  wait(seconds(1));
  ledger.ended(call, Call::End::Cancelled);
  EXPECT_EQ(ledger.active_at_most(before), 2u);
  EXPECT_EQ(ledger.active_at_most(loop.now()), 1u);
}

TEST_F(LedgerTest, blames_a_drain_that_cuts_a_call_instead_of_telling_it) {
  ledger.drain_began(0, seconds(1));
  Call& call = begin();
  wait(seconds(2));
  ledger.ended(call, Call::End::Broken, "code 8");
  EXPECT_TRUE(blames("broke without a reason"));
}

TEST_F(LedgerTest, excuses_a_drain_that_cuts_a_call_of_a_slow_reader) {
  link.read_slowly = true;
  ledger.drain_began(0, seconds(1));
  Call& call = begin();
  wait(seconds(2));
  ledger.ended(call, Call::End::Broken, "code 8");
  EXPECT_EQ(verdict(), "");
}

TEST_F(LedgerTest, blames_lines_of_requests_that_nobody_made) {
  ledger.read_log_line(R"({"status":200,"code":"OK","request_id":"nobody"})");
  EXPECT_TRUE(blames("a line of no request"));
}

}  // namespace
}  // namespace parley::simulation
