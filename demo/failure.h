#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/message.h>
#include <grpcpp/support/status.h>

namespace shop {

// What is wrong with a request, field by field.
struct Violation {
  std::string field;
  std::string description;
};
using Violations = std::vector<Violation>;

// Failures as clients see them: a code, a sentence and the typed details of google.rpc.

// INVALID_ARGUMENT with BadRequest. REQUIRES: !violations.empty()
grpc::Status invalid(const Violations& violations);
grpc::Status invalid(std::string field, std::string description);

// NOT_FOUND with ResourceInfo; `type` as in "shop.example/User".
grpc::Status not_found(std::string_view type, std::string_view name);
grpc::Status not_found(std::string_view type, int64_t id);

// ALREADY_EXISTS with ResourceInfo.
grpc::Status already_exists(std::string_view type, std::string_view name);

// ABORTED with ErrorInfo: somebody else has written since this etag was read.
grpc::Status etag_differs(std::string_view current);

// FAILED_PRECONDITION with PreconditionFailure; `kind` as in "STOCK".
grpc::Status precondition(std::string_view kind, std::string_view subject, std::string description);

// UNAVAILABLE with RetryInfo.
grpc::Status retry_later(std::string description, std::chrono::milliseconds delay);

// A failure of a service that this one asked: as it is, naming the service. BadRequest's fields get
// `field_prefix`, since the caller's request holds them deeper.
grpc::Status from_service(std::string_view service, const grpc::Status& status,
                          std::string_view field_prefix);

}  // namespace shop
