#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/result.h"

namespace parley::wire {

// google.rpc.Status: what grpc-status-details-bin holds.
struct RpcStatus {
  uint32_t code = 0;  // as sent: code_from_number names it
  std::string message;
  std::vector<AnyDetail> details;
};

// Reads a serialized google.rpc.Status. Failure: Reason::UpstreamMalformed.
Result<RpcStatus> read_rpc_status(std::string_view wire);

// Serializes a google.rpc.Status.
std::string write_rpc_status(const RpcStatus& status);

// The status that a failure stands for: code, message, its details, and its violations and
// retry_after as google.rpc.BadRequest and RetryInfo where the details have none.
RpcStatus rpc_status_of(const Failure& failure);

// The value of the first detail whose type URL ends in "/" + full_name. nullptr: none.
const AnyDetail* find_detail(std::span<const AnyDetail> details, std::string_view full_name);

// google.rpc.BadRequest and google.rpc.RetryInfo, read by hand; what is malformed is left out.
std::vector<FieldViolation> read_bad_request(std::string_view wire);
std::optional<std::chrono::nanoseconds> read_retry_info(std::string_view wire);
AnyDetail bad_request_detail(std::span<const FieldViolation> violations);
AnyDetail retry_info_detail(std::chrono::nanoseconds delay);

}  // namespace parley::wire
