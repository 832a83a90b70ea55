#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"

namespace parley {

// The canonical codes shared by gRPC, Connect and google.rpc (google/rpc/code.proto).
enum class Code : uint8_t {
  Ok = 0,
  Cancelled = 1,
  Unknown = 2,
  InvalidArgument = 3,
  DeadlineExceeded = 4,
  NotFound = 5,
  AlreadyExists = 6,
  PermissionDenied = 7,
  ResourceExhausted = 8,
  FailedPrecondition = 9,
  Aborted = 10,
  OutOfRange = 11,
  Unimplemented = 12,
  Internal = 13,
  Unavailable = 14,
  DataLoss = 15,
  Unauthenticated = 16,
};

// Why a failure happened, where the code alone does not say it. The table in failure.cc gives each
// its names and statuses.
enum class Reason : uint8_t {
  None,  // the code says it all: an upstream's own status, for one

  // HTTP that cannot be understood; the connection closes.
  RequestMalformed,
  HeadersTooLarge,
  UrlTooLong,
  TransferCodingUnknown,
  VersionUnsupported,
  BodyTimeout,
  ExpectationFailed,

  // Requests that match nothing that is served.
  RouteUnknown,
  MethodUnknown,
  VerbNotAllowed,
  StreamingUnsupported,
  ContractPending,

  // Requests that match, and cannot be transcoded.
  PathInvalid,
  QueryInvalid,
  BodyInvalid,
  BodyUnexpected,
  BodyTooLarge,
  MediaTypeUnsupported,
  EncodingUnsupported,
  NotAcceptable,
  MetadataInvalid,
  MetadataTooLarge,
  TimeoutInvalid,
  HostForbidden,

  // Time, limits, life cycle.
  DeadlineExpired,
  ClientGone,
  LimitReached,
  ShuttingDown,

  // Upstreams.
  UpstreamUnavailable,
  UpstreamMalformed,
  UpstreamTooLarge,
  UpstreamReset,

  InternalError,
};
inline constexpr size_t kReasonCount = static_cast<size_t>(Reason::InternalError) + 1;

enum class Origin : uint8_t { Client, Gateway, Upstream };

// What the caller should do about it.
enum class Remedy : uint8_t {
  None,            // the same request fails again
  RetryElsewhere,  // nothing was done: another endpoint or connection may take it
  RetryLater,      // overload or absence that passes
  Reconnect,       // this connection is at its end
};

// `code` and what each protocol calls it. One row for each `Code`.
struct CodeRow {
  Code code;
  std::string_view name;     // "NOT_FOUND": google.rpc.Code
  std::string_view connect;  // "not_found": the Connect protocol and GraphQL extensions, lower case
  uint16_t http;             // as google/rpc/code.proto maps it
};
const CodeRow& code_row(Code code);

// `number` as a code; a number that no table knows is UNKNOWN (gRPC, statuscodes.md).
Code code_from_number(uint32_t number);

// One row for each `Reason`. `http` 0: the code's own.
struct ReasonRow {
  Reason reason;
  std::string_view name;   // "route_unknown": part of the problem type and a metric label
  std::string_view title;  // one short sentence
  Code code;
  uint16_t http;
  Remedy remedy;
  bool closes;  // whether an HTTP/1.1 connection ends with this answer
};
const ReasonRow& reason_row(Reason reason);

// A field of the request that is wrong; as google.rpc.BadRequest.FieldViolation.
struct FieldViolation {
  std::string field;  // path in the contract's names, "user.address.city"; may name a parameter
  std::string description;
  friend bool operator==(const FieldViolation&, const FieldViolation&) = default;
};

// A google.protobuf.Any of google.rpc.Status.details, as bytes.
struct AnyDetail {
  std::string type_url;
  std::string value;
  friend bool operator==(const AnyDetail&, const AnyDetail&) = default;
};

// Why something did not work: a value, cheap to move, made on cold paths only.
//
//   return Failure(Reason::RouteUnknown, "no route for GET /v1/usrs");
//   return Failure(Reason::QueryInvalid, "unknown parameter \"colour\"").violation("colour",
//   "unknown");
class Failure {
 public:
  Failure(Reason reason, std::string message);
  Failure(Code code, std::string message, Origin origin = Origin::Gateway);
  Failure(Failure&&) noexcept = default;
  Failure& operator=(Failure&&) noexcept = default;
  ~Failure() = default;

  // Says which named limit was hit; `limit` is the setting's name, "http.header_bytes_max".
  static Failure limit(std::string_view limit, std::string message);

  Failure clone() const;

  Code code() const { return body_->code; }
  Reason reason() const { return body_->reason; }
  Origin origin() const { return body_->origin; }
  Remedy remedy() const { return body_->remedy; }
  uint16_t http_status() const;
  bool closes_connection() const;
  const std::string& message() const { return body_->message; }  // safe for the caller
  const std::string& detail() const { return body_->detail; }    // for the log only
  const std::string& limit_name() const { return body_->limit; }
  const std::vector<FieldViolation>& violations() const { return body_->violations; }
  const std::vector<AnyDetail>& details() const { return body_->details; }
  std::optional<std::chrono::nanoseconds> retry_after() const { return body_->retry_after; }
  const Fields& fields() const { return body_->fields; }  // `allow`, `accept` ... of the answer

  Failure& with_detail(std::string detail);
  Failure& with_limit(std::string_view name);
  Failure& violation(std::string field, std::string description);
  Failure& add_detail(AnyDetail detail);
  Failure& from(Origin origin);
  Failure& remedy(Remedy remedy);
  Failure& retry_after(std::chrono::nanoseconds delay);
  Failure& http_status(uint16_t status);
  Failure& field(std::string_view name, std::string_view value);
  Failure& prefix(std::string_view text);  // puts `text` before the message

  // Ends a chain where a value is wanted: `failure_ = Failure(...).with_limit("x").take();`
  Failure take() { return std::move(*this); }

 private:
  struct Body {
    Code code = Code::Unknown;
    Reason reason = Reason::None;
    Origin origin = Origin::Gateway;
    Remedy remedy = Remedy::None;
    uint16_t http_status = 0;
    std::string message;
    std::string detail;
    std::string limit;
    std::vector<FieldViolation> violations;
    std::vector<AnyDetail> details;
    std::optional<std::chrono::nanoseconds> retry_after;
    Fields fields;
  };
  Failure() = default;

  std::unique_ptr<Body> body_;
};

}  // namespace parley
