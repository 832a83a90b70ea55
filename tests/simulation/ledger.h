#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "loop/loop.h"
#include "simulation/plan.h"
#include "simulation/trace.h"

namespace parley::simulation {

// An answer as a client got it, whole and well-formed.
struct Answer {
  uint16_t http_status = 0;
  Code code = Code::Ok;
  std::string message;                // of a failure
  std::vector<std::string> messages;  // wire bytes over gRPC, JSON over REST
  bool torn = false;                  // a part of one more message came before the failure
};

// A client's connection, as far as it can excuse what becomes of the calls on it.
struct ClientLink {
  bool broken_by_fault = false;
  bool closed_by_client = false;
  bool read_slowly = false;  // by its client
  int gateway = 0;           // which process serves it
};

// One call and what became of it.
struct Call {
  enum class End : uint8_t {
    None,       // it still runs
    Unsent,     // there was no connection to send it on
    Answered,   // `answer`
    Broken,     // the connection or the stream ended before the answer did
    Cancelled,  // the client changed its mind, as planned
    GaveUp,     // the client lost its patience: no call lasts that long
  };
  CallPlan plan;
  const ClientLink* link = nullptr;
  bool http2 = false;  // on a stream of its own
  Instant began{};
  Instant turn{};  // HTTP/1.1: the answer before it came
  Instant ended{};
  End end = End::None;
  Answer answer;
  std::string how;         // it broke
  bool link_gone = false;  // by a fault or the client, when it ended
  bool not_taken = false;  // the gateway had ended the connection before the request came

  // At the upstream.
  uint32_t attempts = 0;
  Instant left_upstream{};  // the end of the last attempt's stream
  bool refused = false;     // the last attempt was: one more may follow
  bool completed = false;   // the whole request came, and the script came to its end
  // In the access log.
  uint32_t lines = 0;
  Instant logged{};
  uint16_t line_status = 0;
  std::string line_code;
  std::string line_limit;
};

// Knows every call of a run, what happened around them, and whether that explains how they ended.
class Ledger {
 public:
  Ledger(loop::Loop& loop, Trace& trace) : loop_(loop), trace_(trace) {}

  Call& open(CallPlan plan);
  Call* find(std::string_view nonce);
  std::deque<Call>& calls() { return calls_; }

  void began(Call& call);
  void answered(Call& call, Answer answer);
  void ended(Call& call, Call::End end, std::string how = {});

  // Calls that run now, or begin before the gateway is over it, may fail as unavailable.
  void upstream_trouble(Duration recovery);
  // An upstream sends a connection away. A call that crosses with it is sent again, but only once.
  void goaway() { goaways_.push_back(loop_.now()); }
  // Of the process `gateway`.
  void drain_began(int gateway, Duration timeout);
  bool draining(int gateway) const { return drains_.contains(gateway); }
  bool draining(const ClientLink& link) const { return draining(link.gateway); }

  // Called when a client has cancelled a call on a connection that stays.
  std::function<void()> cancelled;

  // The time that wires and the loop may add to a deadline, and to a cancellation.
  Duration deadline_slack{};
  Duration cancel_slack{};
  Duration wire_slack{};        // the same of wires, there and back
  size_t replay_bytes_max = 0;  // of a request that can be sent again
  bool crowded = false;         // connections beyond a limit are refused
  bool few_streams = false;     // an upstream takes very few at a time
  bool slow_wires = false;      // of some connections, at times

  // When the last call on a connection to this process was over; not before its drain.
  Instant last_end(int gateway) const;

  // How many requests the gateway can still have, when those that were over by then have left it.
  size_t active_at_most(Instant over_by) const;
  // Connections that an answer came on.
  size_t links_answered() const;

  // What is wrong, in one line. The first ones are kept.
  void blame(std::string what);
  const std::vector<std::string>& violations() const { return violations_; }

  // REQUIRES: the run is over.
  void judge();
  // One line of the access log, as JSON.
  void read_log_line(std::string_view line);
  // Lines by "status code", to be compared with the counters.
  const std::map<std::string, uint64_t>& lines_by_outcome() const { return lines_by_outcome_; }
  // Lines by the limit that they name.
  const std::map<std::string, uint64_t>& lines_by_limit() const { return lines_by_limit_; }
  uint64_t request_bytes() const { return request_bytes_; }
  uint64_t response_bytes() const { return response_bytes_; }

 private:
  struct Trouble {
    Instant from;
    Instant until;
  };
  void judge(const Call& call);
  void judge_answer(const Call& call);
  void judge_messages(const Call& call);
  void judge_time(const Call& call);
  void judge_line(const Call& call);
  void judge_upstream(const Call& call);
  bool may_break(const Call& call) const;
  bool may_stay_unsent(const Call& call) const;
  bool explains(const Call& call) const;
  bool troubled(const Call& call) const;
  bool refused_twice(const Call& call) const;
  bool surely_kept(const Call& call) const;
  bool past_drain(const Call& call) const;
  bool can_be_told(const Call& call) const;
  Instant due(const Call& call) const;
  void blame(const Call& call, std::string_view what);

  loop::Loop& loop_;
  Trace& trace_;
  std::deque<Call> calls_;
  std::map<std::string, Call*, std::less<>> by_nonce_;
  std::vector<Trouble> troubles_;
  std::vector<Instant> goaways_;
  std::map<int, Instant> drains_;  // by process: when its drain began
  Duration drain_timeout_{};
  std::map<std::string, uint64_t> lines_by_outcome_;
  std::map<std::string, uint64_t> lines_by_limit_;
  uint64_t request_bytes_ = 0;   // of all lines
  uint64_t response_bytes_ = 0;  // the same
  uint64_t nameless_lines_ = 0;  // of requests whose header did not come as far as their name
  std::vector<std::string> violations_;
};

std::string describe(const CallPlan& plan);

}  // namespace parley::simulation
