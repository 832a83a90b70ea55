#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "simulation/contract.h"
#include "simulation/draw.h"

namespace parley::simulation {

// Of a unary call whose client names none: longer than any client waits.
inline constexpr Duration kUnaryTimeout = std::chrono::minutes(5);

struct Behaviour;

// What the upstream does with one call: how it goes about it, and how it ends (behaviours.h).
struct Script {
  const Behaviour* behaviour = nullptr;
  uint32_t refusals = 0;     // attempts that are refused first (REFUSED_STREAM)
  Duration think{};          // before the answer's head
  Duration gap{};            // between messages, either way
  Duration read_pause{};     // before it reads more of the request, a few times
  bool interim = false;      // 103 before the answer's head
  bool early = false;        // does not wait for the request's end
  uint32_t replies = 1;      // messages, before the end
  uint32_t reply_bytes = 0;  // filler of each
  Code code = Code::Ok;      // of an end with a status
  uint32_t reset_code = 0;   // of an end with RST_STREAM
};

// Something wrong with a request, that the gateway answers itself.
enum class Flaw : uint8_t {
  None,
  UnknownRoute,
  WrongVerb,
  BadBody,
  NoMessage,
  StuckHead,  // half a header comes, and no more
  StuckBody,  // the same of a body
};

// One call, as it is meant to be. What becomes of it is the ledger's.
struct CallPlan {
  std::string nonce;
  const Method* method = nullptr;
  bool grpc = false;
  Flaw flaw = Flaw::None;
  std::vector<uint32_t> messages;  // of the request: filler bytes of each
  Duration start{};                // after the connection is there, or the call before is over
  Duration gap{};                  // between messages, or pieces of the body
  std::optional<Duration> timeout;
  // The client goes away so long after it has begun.
  std::optional<Duration> cancel;
  Duration read_pause{};  // before it reads more of the answer, a few times
  bool chunked = false;   // HTTP/1.1
  uint32_t piece = 0;     // bytes that leave at once; 0: all
  Script script;

  size_t request_bytes() const;
  bool stuck() const { return flaw == Flaw::StuckHead || flaw == Flaw::StuckBody; }
  // Whether it is passed on, at least in part.
  bool reaches_upstream() const {
    return flaw == Flaw::None || (grpc && (flaw == Flaw::NoMessage || flaw == Flaw::StuckBody));
  }
};

// What a seed makes likely, so that runs differ in kind: some calm, some all faults.
struct Profile {
  bool upstream_faults = false;    // scripts that end badly
  bool upstream_restarts = false;  // upstreams that send connections away, and nothing worse
  bool upstream_outages = false;   // endpoints that refuse or swallow connections for a time
  bool upstream_resets = false;    // of connections
  bool upstream_crashes = false;
  bool upstream_silence = false;  // connections that are dead, and nobody says so
  bool client_resets = false;
  bool stalls = false;      // of wires, for a time
  bool slow_wires = false;  // delays, small pieces, small buffers
  bool cancels = false;     // clients that change their minds
  bool deadlines = false;
  bool slow_readers = false;
  bool flaws = false;
  bool big = false;        // messages of many kilobytes
  bool drain = false;      // and another process takes over
  bool crowded = false;    // few connections are allowed
  bool impatient = false;  // idle connections are closed soon
  bool reload = false;
};
Profile draw_profile(Draw& draw);

CallPlan draw_call(Draw& draw, const Profile& profile, std::string nonce, bool grpc);

}  // namespace parley::simulation
