#pragma once

#include <cstdint>
#include <string_view>

#include "base/failure.h"
#include "loop/task.h"
#include "simulation/plan.h"

namespace parley::simulation {

class UpstreamCall;

// What a client is to be told when nothing else goes wrong.
struct Promise {
  Code code = Code::Ok;
  uint16_t http_status = 200;  // over REST
  bool ends = true;            // false: only a deadline, or the client, ends the call
};
Promise promise_of(Code code, uint16_t http_status = 0);  // 0: the code's own

// One way in which the upstream ends a call, after the messages that the script has before it.
// A new behaviour is a row in behaviours.cc.
struct Behaviour {
  std::string_view name;
  uint64_t weight;
  bool sends_head;     // false: it happens instead of an answer
  bool breaks_others;  // calls on the same connection may break too
  void (*draw)(Draw&, Script&);
  loop::Task<void> (*end)(UpstreamCall&);
  Promise (*promise)(const Script&);
};

// Chooses the script's behaviour, among those that the profile allows.
void draw_behaviour(Draw& draw, const Profile& profile, Script& script);

}  // namespace parley::simulation
