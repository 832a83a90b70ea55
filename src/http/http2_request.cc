#include "http/http2_request.h"

#include <string>

#include <fmt/format.h>

#include "base/ascii.h"
#include "http/http1_parser.h"
#include "http/syntax.h"

namespace parley::http {
namespace {

Failure malformed_head(std::string message) {
  return Failure(Reason::RequestMalformed, std::move(message)).from(Origin::Client).take();
}

std::optional<Failure> check_authority(const Settings& settings, Fields& fields, bool over_unix) {
  const auto authority = fields.find(FieldId::PseudoAuthority);
  const auto host = fields.find(FieldId::Host);
  if (!authority && !host) return malformed_head("neither `:authority` nor `host`");
  if (authority && !is_authority(*authority) && !(over_unix && is_escaped_path(*authority)))
    return malformed_head("`:authority` is not valid");
  if (!host) return std::nullopt;
  if (fields.count(FieldId::Host) > 1) return malformed_head("a second `host`");
  if (!is_authority(*host)) return malformed_head("`host` is not valid");
  if (authority && !ascii_equal(*authority, *host))
    return malformed_head("`host` and `:authority` differ");
  if (!authority) {
    const std::string copy(*host);
    if (!fields.insert(0, FieldId::PseudoAuthority, copy))
      return http2_fields_too_large(settings, fields);
  }
  fields.remove(FieldId::Host);
  return std::nullopt;
}

// RFC 9110, 10.1.1.
std::optional<Failure> check_expectations(const Fields& fields) {
  for (const Field field : fields) {
    if (field.id == FieldId::Expect && !ascii_equal(field.value, "100-continue"))
      return Failure(Reason::ExpectationFailed, "only 100-continue can be expected");
  }
  return std::nullopt;
}

std::optional<Failure> check_path(const Settings& settings, std::string_view verb,
                                  std::string_view path) {
  if (path.size() > settings.url_bytes_max) {
    return Failure(Reason::UrlTooLong,
                   fmt::format("the URL is longer than {} bytes", settings.url_bytes_max))
        .from(Origin::Client)
        .with_limit("http.url_bytes_max")
        .take();
  }
  if (path == "*") {
    if (verb == "OPTIONS") return std::nullopt;
    return malformed_head("\"*\" is for OPTIONS only");
  }
  const size_t wrong = find_invalid_in_target(path);
  if (wrong == std::string_view::npos) return std::nullopt;
  return malformed_head(fmt::format("`:path` is not valid, at {}", wrong));
}

}  // namespace

std::optional<Failure> check_http2_head(const Settings& settings, Fields& fields, bool over_unix) {
  const std::string_view verb = fields.find(FieldId::PseudoMethod).value_or("");
  if (verb.size() > Http1Parser::kVerbBytesMax) {
    return malformed_head(
               fmt::format("`:method` has more than {} bytes", Http1Parser::kVerbBytesMax))
        .with_limit("fixed.method_bytes_max")
        .take();
  }
  if (!is_token(verb)) return malformed_head("`:method` is not valid");
  if (verb == "CONNECT") return malformed_head("CONNECT is not served");
  const std::string_view scheme = fields.find(FieldId::PseudoScheme).value_or("");
  if (!ascii_equal(scheme, "http") && !ascii_equal(scheme, "https"))
    return malformed_head("`:scheme` is neither http nor https");
  const std::string_view path = fields.find(FieldId::PseudoPath).value_or("");
  if (auto refusal = check_path(settings, verb, path)) return refusal;
  if (auto refusal = check_authority(settings, fields, over_unix)) return refusal;
  return check_expectations(fields);
}

FieldLimits http2_head_limits(const Settings& settings) {
  return Http1Parser::head_limits(settings);
}

Failure http2_fields_too_large(const Settings& settings, const Fields& fields) {
  const bool count = fields.size() >= fields.limits().count_max;
  return Failure(Reason::HeadersTooLarge,
                 count ? fmt::format("more than {} fields", settings.header_count_max)
                       : fmt::format("fields of more than {} bytes", settings.header_bytes_max))
      .from(Origin::Client)
      .with_limit(count ? "http.header_count_max" : "http.header_bytes_max")
      .take();
}

}  // namespace parley::http
