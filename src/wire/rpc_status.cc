#include "wire/rpc_status.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/utf8.h"
#include "wire/wire_reader.h"
#include "wire/wire_writer.h"

namespace parley::wire {
namespace {

// google/rpc/status.proto: Status { int32 code = 1; string message = 2; repeated Any details = 3; }
// google/protobuf/any.proto: Any { string type_url = 1; bytes value = 2; }
// google/rpc/error_details.proto: BadRequest { repeated FieldViolation field_violations = 1; }
//   FieldViolation { string field = 1; string description = 2; }
//   RetryInfo { google.protobuf.Duration retry_delay = 1; }
constexpr std::string_view kBadRequest = "google.rpc.BadRequest";
constexpr std::string_view kRetryInfo = "google.rpc.RetryInfo";
constexpr std::string_view kTypePrefix = "type.googleapis.com/";
constexpr int64_t kSecondsMax = 315'576'000'000;  // of a google.protobuf.Duration
constexpr int64_t kNanosPerSecond = 1'000'000'000;

// The two fields 1 and 2 of Length type that Any and FieldViolation have.
struct Pair {
  std::string_view first;
  std::string_view second;
};

bool read_pair(std::string_view wire, Pair& pair) {
  WireReader reader(wire);
  while (reader.next()) {
    if (reader.number() == 1) {
      pair.first = reader.bytes_or(pair.first);
    } else if (reader.number() == 2) {
      pair.second = reader.bytes_or(pair.second);
    } else {
      reader.skip();
    }
  }
  return !reader.failed();
}

Failure malformed() { return Failure(Reason::UpstreamMalformed, "grpc-status-details-bin"); }

AnyDetail detail_of(std::string_view full_name, ByteBuffer& content) {
  return {std::string(kTypePrefix) + std::string(full_name), std::string(content.view())};
}

std::string_view pair_wire(std::string_view first, std::string_view second, ByteBuffer& buffer) {
  buffer.clear();
  if (!first.empty()) append_bytes_field(buffer, 1, first);
  if (!second.empty()) append_bytes_field(buffer, 2, second);
  return buffer.view();
}

}  // namespace

Result<RpcStatus> read_rpc_status(std::string_view wire) {
  RpcStatus status;
  WireReader reader(wire);
  while (reader.next()) {
    if (reader.number() == 1) {
      status.code = static_cast<uint32_t>(reader.varint_or(status.code));
    } else if (reader.number() == 2) {
      status.message = utf8_repaired(reader.bytes_or(status.message));
    } else if (reader.number() == 3 && reader.type() == WireType::Length) {
      Pair any;
      if (!read_pair(reader.bytes(), any)) return malformed();
      status.details.push_back({utf8_repaired(any.first), std::string(any.second)});
    } else {
      reader.skip();
    }
  }
  if (reader.failed()) return malformed();
  return status;
}

std::string write_rpc_status(const RpcStatus& status) {
  ByteBuffer out;
  if (status.code != 0) append_varint_field(out, 1, status.code);
  if (!status.message.empty()) append_bytes_field(out, 2, status.message);
  ByteBuffer any;
  for (const AnyDetail& detail : status.details)
    append_bytes_field(out, 3, pair_wire(detail.type_url, detail.value, any));
  return std::string(out.view());
}

RpcStatus rpc_status_of(const Failure& failure) {
  RpcStatus status{static_cast<uint32_t>(failure.code()), failure.message(), failure.details()};
  if (!failure.violations().empty() && !find_detail(status.details, kBadRequest))
    status.details.push_back(bad_request_detail(failure.violations()));
  if (failure.retry_after() && !find_detail(status.details, kRetryInfo))
    status.details.push_back(retry_info_detail(*failure.retry_after()));
  return status;
}

const AnyDetail* find_detail(std::span<const AnyDetail> details, std::string_view full_name) {
  const auto found = std::find_if(details.begin(), details.end(), [&](const AnyDetail& detail) {
    const std::string_view url = detail.type_url;
    return url.ends_with(full_name) && url.size() > full_name.size() &&
           url[url.size() - full_name.size() - 1] == '/';
  });
  return found == details.end() ? nullptr : &*found;
}

std::vector<FieldViolation> read_bad_request(std::string_view wire) {
  std::vector<FieldViolation> violations;
  WireReader reader(wire);
  while (reader.next()) {
    if (reader.number() != 1 || reader.type() != WireType::Length) {
      reader.skip();
      continue;
    }
    Pair violation;
    const std::string_view content = reader.bytes();
    if (!reader.failed() && read_pair(content, violation))
      violations.push_back({utf8_repaired(violation.first), utf8_repaired(violation.second)});
  }
  return violations;
}

std::optional<std::chrono::nanoseconds> read_retry_info(std::string_view wire) {
  std::string_view duration;
  bool found = false;
  WireReader reader(wire);
  while (reader.next()) {
    if (reader.number() == 1 && reader.type() == WireType::Length) {
      duration = reader.bytes();
      found = true;
    } else {
      reader.skip();
    }
  }
  uint64_t seconds = 0;
  uint64_t nanos = 0;
  WireReader parts(duration);
  while (parts.next()) {
    if (parts.number() == 1) {
      seconds = parts.varint_or(seconds);
    } else if (parts.number() == 2) {
      nanos = parts.varint_or(nanos);
    } else {
      parts.skip();
    }
  }
  // Negative ones are huge here. What nanoseconds cannot hold is as good as for ever.
  if (!found || reader.failed() || parts.failed() || seconds > kSecondsMax ||
      nanos >= kNanosPerSecond)
    return std::nullopt;
  constexpr auto kMost = static_cast<uint64_t>(INT64_MAX / kNanosPerSecond - 1);
  return std::chrono::nanoseconds(static_cast<int64_t>(
      std::min(seconds, kMost) * static_cast<uint64_t>(kNanosPerSecond) + nanos));
}

AnyDetail bad_request_detail(std::span<const FieldViolation> violations) {
  ByteBuffer content;
  ByteBuffer violation;
  for (const FieldViolation& one : violations)
    append_bytes_field(content, 1, pair_wire(one.field, one.description, violation));
  return detail_of(kBadRequest, content);
}

AnyDetail retry_info_detail(std::chrono::nanoseconds delay) {
  const int64_t total = std::max<int64_t>(delay.count(), 0);
  ByteBuffer duration;
  if (const auto seconds = total / kNanosPerSecond; seconds != 0)
    append_varint_field(duration, 1, static_cast<uint64_t>(seconds));
  if (const auto nanos = total % kNanosPerSecond; nanos != 0)
    append_varint_field(duration, 2, static_cast<uint64_t>(nanos));
  ByteBuffer content;
  append_bytes_field(content, 1, duration.view());
  return detail_of(kRetryInfo, content);
}

}  // namespace parley::wire
