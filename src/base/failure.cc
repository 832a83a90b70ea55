#include "base/failure.h"

#include <array>
#include <utility>

#include "base/assert.h"

namespace parley {
namespace {

constexpr std::array<CodeRow, 17> kCodes = {{
    {Code::Ok, "OK", "ok", 200},
    {Code::Cancelled, "CANCELLED", "canceled", 499},
    {Code::Unknown, "UNKNOWN", "unknown", 500},
    {Code::InvalidArgument, "INVALID_ARGUMENT", "invalid_argument", 400},
    {Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "deadline_exceeded", 504},
    {Code::NotFound, "NOT_FOUND", "not_found", 404},
    {Code::AlreadyExists, "ALREADY_EXISTS", "already_exists", 409},
    {Code::PermissionDenied, "PERMISSION_DENIED", "permission_denied", 403},
    {Code::ResourceExhausted, "RESOURCE_EXHAUSTED", "resource_exhausted", 429},
    {Code::FailedPrecondition, "FAILED_PRECONDITION", "failed_precondition", 400},
    {Code::Aborted, "ABORTED", "aborted", 409},
    {Code::OutOfRange, "OUT_OF_RANGE", "out_of_range", 400},
    {Code::Unimplemented, "UNIMPLEMENTED", "unimplemented", 501},
    {Code::Internal, "INTERNAL", "internal", 500},
    {Code::Unavailable, "UNAVAILABLE", "unavailable", 503},
    {Code::DataLoss, "DATA_LOSS", "data_loss", 500},
    {Code::Unauthenticated, "UNAUTHENTICATED", "unauthenticated", 401},
}};

using enum Code;
constexpr std::array<ReasonRow, kReasonCount> kReasons = {{
    {Reason::None, "", "", Unknown, 0, Remedy::None, false},
    {Reason::RequestMalformed, "request_malformed", "The request is not valid HTTP",
     InvalidArgument, 400, Remedy::None, true},
    {Reason::HeadersTooLarge, "headers_too_large", "The header is too large", ResourceExhausted,
     431, Remedy::None, true},
    {Reason::UrlTooLong, "url_too_long", "The URL is too long", InvalidArgument, 414, Remedy::None,
     true},
    {Reason::TransferCodingUnknown, "transfer_coding_unknown", "The transfer coding is not known",
     Unimplemented, 501, Remedy::None, true},
    {Reason::VersionUnsupported, "version_unsupported", "The HTTP version is not supported",
     Unimplemented, 505, Remedy::None, true},
    {Reason::BodyTimeout, "body_timeout", "The request did not arrive in time", Cancelled, 408,
     Remedy::None, true},
    {Reason::ExpectationFailed, "expectation_failed", "The expectation is not known",
     InvalidArgument, 417, Remedy::None, false},
    {Reason::RouteUnknown, "route_unknown", "No route matches the path", NotFound, 404,
     Remedy::None, false},
    {Reason::MethodUnknown, "method_unknown", "The contract has no such method", Unimplemented, 404,
     Remedy::None, false},
    {Reason::VerbNotAllowed, "verb_not_allowed", "The path exists for other HTTP methods",
     Unimplemented, 405, Remedy::None, false},
    {Reason::StreamingUnsupported, "streaming_unsupported", "This protocol cannot stream requests",
     Unimplemented, 501, Remedy::None, false},
    {Reason::ContractPending, "contract_pending", "The contract is not loaded yet", Unavailable,
     503, Remedy::RetryLater, false},
    {Reason::PathInvalid, "path_invalid", "The path is not valid", InvalidArgument, 400,
     Remedy::None, false},
    {Reason::QueryInvalid, "query_invalid", "The query is not valid", InvalidArgument, 400,
     Remedy::None, false},
    {Reason::BodyInvalid, "body_invalid", "The body is not valid", InvalidArgument, 400,
     Remedy::None, false},
    {Reason::BodyUnexpected, "body_unexpected", "This method takes no body", InvalidArgument, 400,
     Remedy::None, false},
    {Reason::BodyTooLarge, "body_too_large", "The body is too large", ResourceExhausted, 413,
     Remedy::None, false},
    {Reason::MediaTypeUnsupported, "media_type_unsupported", "The content type is not supported",
     InvalidArgument, 415, Remedy::None, false},
    {Reason::EncodingUnsupported, "encoding_unsupported", "The content encoding is not supported",
     Unimplemented, 415, Remedy::None, false},
    {Reason::NotAcceptable, "not_acceptable", "No acceptable media type is offered",
     InvalidArgument, 406, Remedy::None, false},
    {Reason::MetadataInvalid, "metadata_invalid", "A header cannot become metadata",
     InvalidArgument, 400, Remedy::None, false},
    {Reason::MetadataTooLarge, "metadata_too_large", "The headers are too large for the upstream",
     ResourceExhausted, 431, Remedy::None, false},
    {Reason::TimeoutInvalid, "timeout_invalid", "The timeout is not valid", InvalidArgument, 400,
     Remedy::None, false},
    {Reason::HostForbidden, "host_forbidden", "This host name is not served here", PermissionDenied,
     403, Remedy::None, false},
    {Reason::DeadlineExpired, "deadline_expired", "The deadline has passed", DeadlineExceeded, 504,
     Remedy::None, false},
    {Reason::ClientGone, "client_gone", "The client went away", Cancelled, 499, Remedy::None, true},
    {Reason::LimitReached, "limit_reached", "A limit of the gateway is reached", ResourceExhausted,
     503, Remedy::RetryLater, false},
    {Reason::ShuttingDown, "shutting_down", "The gateway is shutting down", Unavailable, 503,
     Remedy::Reconnect, true},
    {Reason::UpstreamUnavailable, "upstream_unavailable", "No endpoint can be reached", Unavailable,
     503, Remedy::RetryLater, false},
    {Reason::UpstreamMalformed, "upstream_malformed", "The upstream's answer is not valid",
     Internal, 502, Remedy::None, false},
    {Reason::UpstreamTooLarge, "upstream_too_large", "The upstream's answer is too large", Internal,
     502, Remedy::None, false},
    {Reason::UpstreamReset, "upstream_reset", "The upstream ended the stream", Unavailable, 0,
     Remedy::None, false},
    {Reason::InternalError, "internal_error", "The gateway made an error", Internal, 500,
     Remedy::None, false},
}};

constexpr bool rows_in_order() {
  for (size_t i = 0; i < kCodes.size(); ++i) {
    if (static_cast<size_t>(kCodes[i].code) != i) return false;
  }
  for (size_t i = 0; i < kReasons.size(); ++i) {
    if (static_cast<size_t>(kReasons[i].reason) != i) return false;
  }
  return true;
}
static_assert(rows_in_order());

}  // namespace

const CodeRow& code_row(Code code) { return kCodes[static_cast<size_t>(code)]; }

Code code_from_number(uint32_t number) {
  return number < kCodes.size() ? static_cast<Code>(number) : Code::Unknown;
}

const ReasonRow& reason_row(Reason reason) { return kReasons[static_cast<size_t>(reason)]; }

Failure::Failure(Reason reason, std::string message) : body_(std::make_unique<Body>()) {
  const ReasonRow& row = reason_row(reason);
  body_->code = row.code;
  body_->reason = reason;
  body_->remedy = row.remedy;
  body_->message = std::move(message);
}

Failure::Failure(Code code, std::string message, Origin origin) : body_(std::make_unique<Body>()) {
  PARLEY_ASSERT(code != Code::Ok);
  body_->code = code;
  body_->origin = origin;
  body_->message = std::move(message);
}

Failure Failure::limit(std::string_view limit, std::string message) {
  Failure failure(Reason::LimitReached, std::move(message));
  failure.body_->limit = limit;
  return failure;
}

Failure Failure::clone() const {
  Failure copy;
  copy.body_ = std::make_unique<Body>(*body_);
  return copy;
}

uint16_t Failure::http_status() const {
  if (body_->http_status != 0) return body_->http_status;
  const uint16_t by_reason = reason_row(body_->reason).http;
  return by_reason != 0 ? by_reason : code_row(body_->code).http;
}

bool Failure::closes_connection() const { return reason_row(body_->reason).closes; }

Failure& Failure::with_detail(std::string detail) {
  body_->detail = std::move(detail);
  return *this;
}
Failure& Failure::with_limit(std::string_view name) {
  body_->limit = name;
  return *this;
}
Failure& Failure::violation(std::string field, std::string description) {
  body_->violations.push_back({std::move(field), std::move(description)});
  return *this;
}
Failure& Failure::add_detail(AnyDetail detail) {
  body_->details.push_back(std::move(detail));
  return *this;
}
Failure& Failure::from(Origin origin) {
  body_->origin = origin;
  return *this;
}
Failure& Failure::remedy(Remedy remedy) {
  body_->remedy = remedy;
  return *this;
}
Failure& Failure::retry_after(std::chrono::nanoseconds delay) {
  body_->retry_after = delay;
  return *this;
}
Failure& Failure::http_status(uint16_t status) {
  body_->http_status = status;
  return *this;
}
Failure& Failure::field(std::string_view name, std::string_view value) {
  body_->fields.add(name, value);
  return *this;
}
Failure& Failure::prefix(std::string_view text) {
  body_->message.insert(0, text);
  return *this;
}

}  // namespace parley
