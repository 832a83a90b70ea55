// How a failure reads as application/problem+json (RFC 9457).
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "door/responder.h"
#include "wire/json_string.h"
#include "wire/rpc_status.h"
#include "wire/wire_to_json.h"

namespace parley::door {
namespace {

constexpr std::string_view kTypePrefix = "https://parley.dev/errors/";

void append_text(std::string& out, std::string_view text) {
  if (utf8_valid(text)) {
    wire::append_json_string(out, text);
  } else {
    wire::append_json_string(out, utf8_repaired(text));
  }
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out += out.back() == '{' ? "\"" : ",\"";
  out += name;
  out += "\":";
  append_text(out, text);
}

// "route_unknown", or the code's name where the reason says nothing.
std::string_view reason_name(const Failure& failure) {
  return failure.reason() == Reason::None ? code_row(failure.code()).connect
                                          : reason_row(failure.reason()).name;
}

// "Not found", from "NOT_FOUND".
std::string code_title(Code code) {
  std::string title(code_row(code).connect);
  std::replace(title.begin(), title.end(), '_', ' ');
  if (!title.empty() && title[0] >= 'a' && title[0] <= 'z')
    title[0] = static_cast<char>(title[0] - 'a' + 'A');
  return title;
}

void append_errors(std::string& out, std::span<const FieldViolation> violations) {
  if (violations.empty()) return;
  out += ",\"errors\":[";
  for (const FieldViolation& violation : violations) {
    out += out.back() == '[' ? "{" : ",{";
    append_member(out, "field", violation.field);
    append_member(out, "description", violation.description);
    out += '}';
  }
  out += ']';
}

const wire::Program* program_of(std::string_view type_url, const AnswerContext& context) {
  const std::string_view name = type_url.substr(type_url.rfind('/') + 1);
  const wire::Program* program = context.types ? context.types->find(name) : nullptr;
  if (program == nullptr && context.known_types) program = context.known_types->find(name);
  return program;
}

// An Any as ProtoJSON has it; what no one can decode is base64.
void append_detail(std::string& out, const AnyDetail& detail, const AnswerContext& context) {
  out += '{';
  append_member(out, "@type", detail.type_url);
  ByteBuffer json;
  const wire::Program* const program = program_of(detail.type_url, context);
  const wire::JsonWriteOptions options{.unknown_any_as_base64 = true};
  if (program == nullptr ||
      !wire::wire_to_json(*program, Bytes::copy(detail.value).view(), options, json)) {
    append_member(out, "value", base64_encode(detail.value));
    out += '}';
    return;
  }
  const std::string_view text = json.view();
  if (program->kind() != wire::Kind::Message) {
    out += ",\"value\":";
    out += text;
    out += '}';
    return;
  }
  if (text != "{}") out += ',';
  out += text.substr(1);
}

void append_details(std::string& out, const Failure& failure, const AnswerContext& context) {
  bool any = false;
  for (const AnyDetail& detail : failure.details()) {
    if (detail.type_url.ends_with("/google.rpc.DebugInfo")) continue;
    out += std::exchange(any, true) ? "," : ",\"details\":[";
    append_detail(out, detail, context);
  }
  if (any) out += ']';
}

void append_violations(std::string& out, const Failure& failure) {
  if (!failure.violations().empty()) return append_errors(out, failure.violations());
  const AnyDetail* const sent = wire::find_detail(failure.details(), "google.rpc.BadRequest");
  if (sent != nullptr) append_errors(out, wire::read_bad_request(sent->value));
}

std::string detail_of(const Failure& failure) {
  if (failure.limit_name().empty()) return failure.message();
  return fmt::format("{} (limit {})", failure.message(), failure.limit_name());
}

bool hidden(const Failure& failure, const AnswerContext& context) {
  return context.settings && context.settings->rest.hide_upstream_detail &&
         failure.origin() == Origin::Upstream && failure.http_status() >= 500;
}

}  // namespace

std::string problem_json(const Failure& failure, const http::Exchange& exchange,
                         const AnswerContext& context) {
  const std::string_view reason = reason_name(failure);
  std::string out = "{";
  append_member(out, "type", fmt::format("{}{}", kTypePrefix, reason));
  append_member(out, "title",
                failure.reason() == Reason::None ? code_title(failure.code())
                                                 : reason_row(failure.reason()).title);
  out += fmt::format(",\"status\":{}", failure.http_status());
  const bool hides = hidden(failure, context);
  if (!hides && !failure.message().empty()) append_member(out, "detail", detail_of(failure));
  append_member(out, "code", code_row(failure.code()).name);
  append_member(out, "request_id", exchange.record().request_id);
  if (!hides) {
    append_violations(out, failure);
    append_details(out, failure, context);
  }
  out += '}';
  return out;
}

}  // namespace parley::door
