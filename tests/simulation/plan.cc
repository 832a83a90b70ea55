#include "simulation/plan.h"

#include <numeric>

#include "simulation/behaviours.h"

namespace parley::simulation {
namespace {

using std::chrono::milliseconds;

uint32_t draw_filler(Draw& draw, const Profile& profile) {
  if (profile.big && draw.one_in(5)) return draw.size(4'000, 60'000);
  return draw.one_in(4) ? 0 : draw.size(1, 600);
}

Duration draw_pause(Draw& draw, Duration longest) {
  return draw.one_in(2) ? Duration::zero() : draw.time(milliseconds(1), longest);
}

const Method& draw_method(Draw& draw, bool grpc) {
  for (;;) {
    const Method& method = kMethods[draw.below(kMethods.size())];
    if (grpc || method.rest()) return method;
  }
}

void draw_script(Draw& draw, const Profile& profile, CallPlan& plan) {
  Script& script = plan.script;
  script.think = draw_pause(draw, milliseconds(400));
  script.gap = draw_pause(draw, milliseconds(150));
  if (profile.slow_readers && draw.one_in(4))
    script.read_pause = draw.time(milliseconds(1), milliseconds(400));
  script.interim = draw.one_in(8);
  script.early = plan.flaw == Flaw::None && draw.one_in(5);
  script.replies = plan.method->server_streaming ? draw.size(0, 8) : 1;
  script.reply_bytes = draw_filler(draw, profile);
  if (profile.upstream_faults && plan.flaw == Flaw::None && draw.one_in(8))
    script.refusals = draw.size(1, 3);
  draw_behaviour(draw, profile, script);
  const Promise promise = script.behaviour->promise(script);
  const bool streams = plan.method->server_streaming;
  // An echo of each message of the request.
  if (streams && plan.method->client_streaming)
    script.replies = static_cast<uint32_t>(plan.messages.size());
  // So that it does not hold its place at the upstream for ever.
  if (!promise.ends && !plan.timeout) plan.timeout = milliseconds(draw.between(100, 3000));
  // What fails, or never ends, may have begun or not.
  if (promise.code != Code::Ok || !promise.ends) script.replies = draw.size(0, script.replies);
  if (!script.behaviour->sends_head) script.replies = 0;
}

}  // namespace

size_t CallPlan::request_bytes() const {
  return std::accumulate(messages.begin(), messages.end(), messages.size() * (nonce.size() + 20));
}

Profile draw_profile(Draw& draw) {
  Profile profile;
  for (bool* one :
       {&profile.upstream_faults, &profile.upstream_outages, &profile.upstream_resets,
        &profile.upstream_crashes, &profile.client_resets, &profile.stalls, &profile.slow_wires,
        &profile.cancels, &profile.deadlines, &profile.slow_readers, &profile.flaws, &profile.big,
        &profile.drain, &profile.reload, &profile.impatient})
    *one = draw.percent(40);
  profile.upstream_restarts = draw.percent(30);
  profile.crowded = draw.percent(10);
  profile.upstream_silence = draw.percent(15);
  return profile;
}

CallPlan draw_call(Draw& draw, const Profile& profile, std::string nonce, bool grpc) {
  CallPlan plan;
  plan.nonce = std::move(nonce);
  plan.grpc = grpc;
  plan.method = &draw_method(draw, grpc);
  if (profile.flaws && draw.one_in(6))
    plan.flaw = grpc ? draw.any_of({Flaw::UnknownRoute, Flaw::NoMessage, Flaw::StuckBody})
                     : draw.any_of({Flaw::UnknownRoute, Flaw::WrongVerb, Flaw::BadBody,
                                    Flaw::StuckHead, Flaw::StuckBody});
  // Those that need a body, of one message.
  if (plan.flaw != Flaw::None && plan.flaw != Flaw::UnknownRoute) plan.method = &kMethods[0];
  const uint32_t count = plan.method->client_streaming ? draw.size(0, 6) : 1;
  for (uint32_t i = 0; i < count; ++i) plan.messages.push_back(draw_filler(draw, profile));
  // A query is bounded by the URL's limit.
  if (!grpc && !plan.method->has_body) plan.messages[0] = std::min(plan.messages[0], 2'000u);
  if (plan.flaw == Flaw::NoMessage) plan.messages.clear();
  plan.start = draw_pause(draw, milliseconds(500));
  plan.gap = draw_pause(draw, milliseconds(150));
  if (profile.deadlines && draw.one_in(2))
    plan.timeout = milliseconds(draw.between(1, draw.any_of<uint64_t>({20, 300, 3000})));
  if (profile.cancels && draw.one_in(5)) plan.cancel = draw.time(Duration(0), milliseconds(900));
  if (profile.slow_readers && draw.one_in(3))
    plan.read_pause = draw.time(milliseconds(1), milliseconds(400));
  plan.chunked = draw.one_in(3);
  if (draw.one_in(3)) plan.piece = draw.size(1, 300);
  draw_script(draw, profile, plan);
  if (plan.flaw == Flaw::StuckHead) plan.timeout.reset();  // nobody can read it
  return plan;
}

}  // namespace parley::simulation
