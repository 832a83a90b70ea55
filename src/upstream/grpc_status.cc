#include "upstream/grpc_status.h"

#include <array>
#include <charconv>
#include <string>
#include <utility>

#include <nghttp2/nghttp2.h>

#include "base/base64.h"
#include "base/percent.h"
#include "base/utf8.h"
#include "wire/rpc_status.h"

namespace parley::upstream {
namespace {

std::optional<uint32_t> status_number(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Stack traces and the like stay inside.
bool is_debug_info(const AnyDetail& detail) {
  return detail.type_url.ends_with("/google.rpc.DebugInfo");
}

// Adds the details to the failure; the ones that stay inside are cut out of the trailers too.
void read_details(std::string_view encoded, Failure& failure, Fields& trailers) {
  const auto bytes = base64_decode(encoded, Base64::Standard);
  auto status =
      bytes ? wire::read_rpc_status(*bytes) : Failure(Reason::UpstreamMalformed, "bad base64");
  if (!status) {
    trailers.remove(FieldId::GrpcStatusDetailsBin);
    return;
  }
  if (std::erase_if(status->details, is_debug_info) > 0) {
    trailers.set(FieldId::GrpcStatusDetailsBin, base64_encode(wire::write_rpc_status(*status)));
  }
  if (const AnyDetail* retry = wire::find_detail(status->details, "google.rpc.RetryInfo")) {
    if (const auto delay = wire::read_retry_info(retry->value)) failure.retry_after(*delay);
  }
  for (AnyDetail& detail : status->details) failure.add_detail(std::move(detail));
}

bool is_metadata(const Field& field) {
  switch (field.id) {
    case FieldId::PseudoAuthority:
    case FieldId::PseudoMethod:
    case FieldId::PseudoPath:
    case FieldId::PseudoScheme:
    case FieldId::PseudoStatus:
    case FieldId::Connection:
    case FieldId::ContentLength:
    case FieldId::ContentType:
    case FieldId::GrpcAcceptEncoding:
    case FieldId::GrpcMessage:
    case FieldId::GrpcStatus:
    case FieldId::GrpcTimeout:
    case FieldId::KeepAlive:
    case FieldId::ProxyConnection:
    case FieldId::Te:
    case FieldId::Trailer:
    case FieldId::TransferEncoding:
    case FieldId::Upgrade: return false;
    default: return true;
  }
}

}  // namespace

Fields metadata_of(const Fields& head) {
  Fields metadata;
  for (const Field field : head) {
    if (is_metadata(field)) metadata.add(field);
  }
  return metadata;
}

call::Outcome outcome_of(const Fields& trailers) {
  const auto text = trailers.find(FieldId::GrpcStatus);
  const auto number = text ? status_number(*text) : std::nullopt;
  call::Outcome outcome;
  if (number == 0u) {
    outcome.trailers = metadata_of(trailers);
    return outcome;
  }
  outcome.trailers = metadata_of(trailers);
  if (!number) {
    outcome.failure =
        Failure(Reason::UpstreamMalformed, text ? "the upstream's grpc-status is not a number"
                                                : "the upstream's answer has no grpc-status");
    outcome.failure->from(Origin::Upstream);
    return outcome;
  }
  const std::string message = grpc_message_decode(trailers.find(FieldId::GrpcMessage).value_or(""));
  outcome.failure = Failure(code_from_number(*number), utf8_repaired(message), Origin::Upstream);
  if (const auto details = trailers.find(FieldId::GrpcStatusDetailsBin)) {
    const std::string encoded(*details);
    read_details(encoded, *outcome.failure, outcome.trailers);
  }
  return outcome;
}

Failure failure_of_http_status(uint16_t status) {
  Code code = Code::Unknown;
  switch (status) {
    case 400: code = Code::Internal; break;
    case 401: code = Code::Unauthenticated; break;
    case 403: code = Code::PermissionDenied; break;
    case 404: code = Code::Unimplemented; break;
    case 429:
    case 502:
    case 503:
    case 504: code = Code::Unavailable; break;
    default: break;
  }
  return Failure(code, "the upstream answered HTTP status " + std::to_string(status),
                 Origin::Upstream);
}

Failure failure_of_reset(int64_t code) {
  Code canonical = Code::Internal;
  switch (code) {
    case NGHTTP2_REFUSED_STREAM: canonical = Code::Unavailable; break;
    case NGHTTP2_CANCEL: canonical = Code::Cancelled; break;
    case NGHTTP2_ENHANCE_YOUR_CALM: canonical = Code::ResourceExhausted; break;
    case NGHTTP2_INADEQUATE_SECURITY: canonical = Code::PermissionDenied; break;
    default: break;
  }
  Failure failure(canonical, "the upstream reset the stream", Origin::Upstream);
  failure.with_detail(nghttp2_http2_strerror(static_cast<uint32_t>(code)));
  if (code == NGHTTP2_REFUSED_STREAM) failure.remedy(Remedy::RetryElsewhere);
  return failure;
}

std::string grpc_timeout_text(Duration remaining) {
  struct Unit {
    int64_t nanoseconds;
    char letter;
  };
  constexpr std::array<Unit, 6> kUnits = {{{1, 'n'},
                                           {1000, 'u'},
                                           {1'000'000, 'm'},
                                           {1'000'000'000, 'S'},
                                           {60'000'000'000, 'M'},
                                           {3'600'000'000'000, 'H'}}};
  constexpr int64_t kLargest = 99'999'999;  // eight digits
  const int64_t nanoseconds = std::max<int64_t>(remaining.count(), 1);
  for (const Unit& unit : kUnits) {
    const int64_t count =
        nanoseconds / unit.nanoseconds + (nanoseconds % unit.nanoseconds != 0 ? 1 : 0);
    if (count <= kLargest) return std::to_string(count) + unit.letter;
  }
  return std::to_string(kLargest) + 'H';
}

}  // namespace parley::upstream
