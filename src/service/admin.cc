#include "service/admin.h"

#include <string_view>
#include <utility>

#include "observe/prometheus.h"
#include "service/unary.h"
#include "wire/wire_writer.h"

namespace parley::service {
namespace {

// google.api.HttpBody: string content_type = 1, bytes data = 2.
Bytes http_body(std::string_view content_type, std::string_view data) {
  ByteBuffer out(data.size() + content_type.size() + 16);
  wire::append_bytes_field(out, 1, content_type);
  wire::append_bytes_field(out, 2, data);
  return out.take();
}

Bytes plain_text(std::string_view text) { return http_body("text/plain; charset=utf-8", text); }

std::string line_of(const Readiness::Upstream& upstream) {
  std::string line = upstream.name + ": " + (upstream.ready ? "ready" : "not ready");
  if (!upstream.state.empty()) line += ", " + upstream.state;
  return line;
}

// For people who look at it: every upstream, then every problem, a line each.
std::string ready_page(const Readiness& readiness) {
  std::string page = "ready\n";
  for (const auto& upstream : readiness.upstreams) page += line_of(upstream) + "\n";
  for (const std::string& problem : readiness.problems) page += "problem: " + problem + "\n";
  return page;
}

// A 503 whose `detail` says all there is to say, and whose `errors` say it by upstream.
Failure not_ready(const Readiness& readiness) {
  std::string message = readiness.draining ? "shutting down" : "not ready";
  Failure failure(readiness.draining ? Reason::ShuttingDown : Reason::UpstreamUnavailable, "");
  std::string separator = ": ";
  const auto add = [&](std::string field, const std::string& text) {
    message += std::exchange(separator, "; ") + text;
    failure.violation(std::move(field), text);
  };
  for (const auto& upstream : readiness.upstreams)
    if (!upstream.ready) add(upstream.name, line_of(upstream));
  for (const std::string& problem : readiness.problems) add("", problem);
  failure.prefix(message);
  return failure;
}

}  // namespace

loop::Task<call::Outcome> Admin::serve(call::Call& call, call::Replies& replies) {
  CO_TRY(request, co_await read_only(call));
  (void)request;  // google.protobuf.Empty
  const std::string_view method = call.method->name;
  if (method == "Healthz") co_return co_await reply(replies, plain_text("ok\n"));
  if (method == "Readyz") co_return co_await readyz(replies);
  if (method == "Metrics") {
    const Bytes text = co_await metrics_.metrics_text();
    co_return co_await reply(replies, http_body(observe::kPrometheusContentType, text.view()));
  }
  co_return not_served(call);
}

loop::Task<call::Outcome> Admin::readyz(call::Replies& replies) {
  const Readiness readiness = readiness_.readiness();
  if (!readiness.ready || readiness.draining) co_return not_ready(readiness);
  co_return co_await reply(replies, plain_text(ready_page(readiness)));
}

}  // namespace parley::service
