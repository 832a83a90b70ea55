#include "failure.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace shop {

namespace {

constexpr std::string_view domain = "shop.example";

grpc::Status with_details(grpc::StatusCode code, std::string message,
                          std::initializer_list<const google::protobuf::Message*> details) {
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  for (const auto* detail : details) status.add_details()->PackFrom(*detail);
  return {code, std::move(message), status.SerializeAsString()};
}

google::rpc::ErrorInfo error_info(std::string_view reason) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(std::string(domain));
  return info;
}

google::rpc::ResourceInfo resource_info(std::string_view type, std::string_view name) {
  google::rpc::ResourceInfo info;
  info.set_resource_type(std::string(type));
  info.set_resource_name(std::string(name));
  return info;
}

// "shop.example/User" -> "user".
std::string kind_of(std::string_view type) {
  std::string kind(type.substr(type.rfind('/') + 1));
  for (char& c : kind) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return kind;
}

}  // namespace

grpc::Status invalid(const Violations& violations) {
  google::rpc::BadRequest bad_request;
  for (const auto& [field, description] : violations) {
    auto* violation = bad_request.add_field_violations();
    violation->set_field(field);
    violation->set_description(description);
  }
  const auto& first = violations.front();
  return with_details(grpc::StatusCode::INVALID_ARGUMENT, first.field + ": " + first.description,
                      {&bad_request});
}

grpc::Status invalid(std::string field, std::string description) {
  return invalid(Violations{{std::move(field), std::move(description)}});
}

grpc::Status not_found(std::string_view type, std::string_view name) {
  const auto resource = resource_info(type, name);
  const auto error = error_info("NOT_FOUND");
  return with_details(grpc::StatusCode::NOT_FOUND,
                      "there is no " + kind_of(type) + " " + std::string(name),
                      {&error, &resource});
}

grpc::Status not_found(std::string_view type, int64_t id) {
  return not_found(type, std::to_string(id));
}

grpc::Status already_exists(std::string_view type, std::string_view name) {
  const auto resource = resource_info(type, name);
  const auto error = error_info("ALREADY_EXISTS");
  return with_details(grpc::StatusCode::ALREADY_EXISTS,
                      "there is a " + kind_of(type) + " " + std::string(name) + " already",
                      {&error, &resource});
}

grpc::Status etag_differs(std::string_view current) {
  auto error = error_info("ETAG_DIFFERS");
  (*error.mutable_metadata())["etag"] = std::string(current);
  return with_details(grpc::StatusCode::ABORTED,
                      "it was changed meanwhile: read it again, then repeat the change", {&error});
}

grpc::Status precondition(std::string_view kind, std::string_view subject,
                          std::string description) {
  google::rpc::PreconditionFailure failure;
  auto* violation = failure.add_violations();
  violation->set_type(std::string(kind));
  violation->set_subject(std::string(subject));
  violation->set_description(description);
  return with_details(grpc::StatusCode::FAILED_PRECONDITION, std::move(description), {&failure});
}

grpc::Status retry_later(std::string description, std::chrono::milliseconds delay) {
  google::rpc::RetryInfo retry;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(delay);
  retry.mutable_retry_delay()->set_seconds(seconds.count());
  retry.mutable_retry_delay()->set_nanos(
      static_cast<int32_t>(std::chrono::nanoseconds(delay - seconds).count()));
  const auto error = error_info("BUSY");
  return with_details(grpc::StatusCode::UNAVAILABLE, std::move(description), {&error, &retry});
}

grpc::Status from_service(std::string_view service, const grpc::Status& status,
                          std::string_view field_prefix) {
  const std::string message = std::string(service) + ": " + status.error_message();
  google::rpc::Status details;
  if (status.error_details().empty() || !details.ParseFromString(status.error_details())) {
    return {status.error_code(), message};
  }
  details.set_message(message);
  for (auto& detail : *details.mutable_details()) {
    google::rpc::BadRequest bad_request;
    if (!detail.UnpackTo(&bad_request)) continue;
    for (auto& violation : *bad_request.mutable_field_violations()) {
      violation.set_field(std::string(field_prefix) + violation.field());
    }
    detail.PackFrom(bad_request);
  }
  return {status.error_code(), message, details.SerializeAsString()};
}

}  // namespace shop
