#include "simulation/behaviours.h"

#include <array>
#include <span>

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include "simulation/upstream.h"

namespace parley::simulation {
namespace {

void draw_nothing(Draw&, Script&) {}
void draw_code(Draw& draw, Script& script) { script.code = static_cast<Code>(draw.between(1, 16)); }
void draw_reset(Draw& draw, Script& script) {
  script.reset_code = draw.any_of<uint32_t>(
      {NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL,
       NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INADEQUATE_SECURITY, NGHTTP2_REFUSED_STREAM});
}

// As gRPC maps the codes of RST_STREAM.
Promise promise_of_reset(const Script& script) {
  switch (script.reset_code) {
    case NGHTTP2_CANCEL: return promise_of(Code::Cancelled);
    case NGHTTP2_ENHANCE_YOUR_CALM: return promise_of(Code::ResourceExhausted);
    case NGHTTP2_INADEQUATE_SECURITY: return promise_of(Code::PermissionDenied);
    case NGHTTP2_REFUSED_STREAM: return promise_of(Code::Unavailable);
    default: return promise_of(Code::Internal);
  }
}
Promise promise_ok(const Script&) { return {}; }
Promise promise_code(const Script& script) { return promise_of(script.code); }
Promise promise_unavailable(const Script&) { return promise_of(Code::Unavailable); }
Promise promise_malformed(const Script&) { return promise_of(Code::Internal, 502); }
Promise promise_no_end(const Script&) {
  return {.code = Code::Ok, .http_status = 200, .ends = false};
}

Fields status_fields(const UpstreamCall& call, Code code) {
  Fields fields;
  fields.add("grpc-status", fmt::to_string(static_cast<unsigned>(code)));
  if (code != Code::Ok) fields.add("grpc-message", "said by " + call.nonce());
  return fields;
}

loop::Task<void> end_well(UpstreamCall& call) {
  call.end(status_fields(call, Code::Ok));
  co_return;
}
loop::Task<void> end_with_status(UpstreamCall& call) {
  call.end(status_fields(call, call.script().code));
  co_return;
}
loop::Task<void> answer_trailers_only(UpstreamCall& call) {
  call.respond(200, "application/grpc", status_fields(call, call.script().code), true);
  co_return;
}
loop::Task<void> reset_stream(UpstreamCall& call) {
  call.reset(call.script().reset_code);
  co_return;
}
loop::Task<void> never_end(UpstreamCall& call) { co_await call.closed(); }
loop::Task<void> close_connection(UpstreamCall& call) {
  call.close_connection();
  co_return;
}
loop::Task<void> break_connection(UpstreamCall& call) {
  call.break_connection();
  co_return;
}
// Sends the connection away, and answers.
loop::Task<void> go_away(UpstreamCall& call) {
  call.go_away();
  call.end(status_fields(call, Code::Ok));
  co_return;
}
loop::Task<void> end_without_status(UpstreamCall& call) {
  call.end({});
  co_return;
}
loop::Task<void> answer_http_error(UpstreamCall& call) {
  call.respond(503, "text/plain", {}, true);
  co_return;
}
loop::Task<void> answer_no_grpc(UpstreamCall& call) {
  call.respond(200, "text/html", {}, true);
  co_return;
}
loop::Task<void> tear_message(UpstreamCall& call) {
  call.send(grpc_frame(to_wire(make_item(call.nonce(), 0, 200))).substr(0, 100));
  call.end(status_fields(call, Code::Ok));
  co_return;
}

constexpr bool kHead = true;
constexpr bool kNoHead = false;
constexpr bool kAlone = false;
constexpr bool kOthersToo = true;

constexpr std::array<Behaviour, 1> kGood = {{
    {"answers", 1, kHead, kAlone, draw_nothing, end_well, promise_ok},
}};
constexpr std::array<Behaviour, 2> kRestarts = {{
    {"answers", 6, kHead, kAlone, draw_nothing, end_well, promise_ok},
    {"goes away", 1, kHead, kOthersToo, draw_nothing, go_away, promise_ok},
}};
constexpr std::array<Behaviour, 14> kAll = {{
    {"answers", 20, kHead, kAlone, draw_nothing, end_well, promise_ok},
    {"fails", 4, kHead, kAlone, draw_code, end_with_status, promise_code},
    {"fails at once", 4, kNoHead, kAlone, draw_code, answer_trailers_only, promise_code},
    {"resets", 3, kHead, kAlone, draw_reset, reset_stream, promise_of_reset},
    {"resets at once", 3, kNoHead, kAlone, draw_reset, reset_stream, promise_of_reset},
    {"hangs", 2, kNoHead, kAlone, draw_nothing, never_end, promise_no_end},
    {"hangs in the answer", 2, kHead, kAlone, draw_nothing, never_end, promise_no_end},
    {"closes", 2, kHead, kOthersToo, draw_nothing, close_connection, promise_unavailable},
    {"breaks", 2, kNoHead, kOthersToo, draw_nothing, break_connection, promise_unavailable},
    {"goes away", 2, kHead, kOthersToo, draw_nothing, go_away, promise_ok},
    {"forgets its status", 2, kHead, kAlone, draw_nothing, end_without_status, promise_malformed},
    {"answers 503", 2, kNoHead, kAlone, draw_nothing, answer_http_error, promise_unavailable},
    {"answers a page", 2, kNoHead, kAlone, draw_nothing, answer_no_grpc, promise_malformed},
    {"tears a message", 2, kHead, kAlone, draw_nothing, tear_message, promise_malformed},
}};

}  // namespace

Promise promise_of(Code code, uint16_t http_status) {
  return {code, http_status != 0 ? http_status : code_row(code).http, true};
}

void draw_behaviour(Draw& draw, const Profile& profile, Script& script) {
  std::span<const Behaviour> rows = kGood;
  if (profile.upstream_restarts) rows = kRestarts;
  if (profile.upstream_faults) rows = kAll;
  const Behaviour& chosen = draw.weighted(rows);
  script.behaviour = &chosen;
  chosen.draw(draw, script);
}

}  // namespace parley::simulation
