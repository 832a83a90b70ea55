#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include "failure.h"
#include "google/type/money.pb.h"

namespace shop {

// What the API guidelines (aip.dev) ask of every resource, done once, from the contract's options.

constexpr int page_size_default = 50;
constexpr int page_size_max = 1000;
constexpr int batch_max = 1000;

// Milliseconds since 1970.
int64_t now_ms();
google::protobuf::Timestamp timestamp(int64_t ms);
// Held within what a Timestamp or a Duration may be, since clients may send any number.
int64_t milliseconds(const google::protobuf::Timestamp& time);
int64_t milliseconds(const google::protobuf::Duration& duration);

google::type::Money euros(int64_t cents);
// Nothing when it is not a whole number of euro cents, or negative.
std::optional<int64_t> cents(const google::type::Money& money);

// The REQUIRED fields (AIP-203) that are not set, at every depth; paths start with `prefix`.
Violations missing_fields(const google::protobuf::Message& message, const std::string& prefix = "");

// Clears what only the service may set: OUTPUT_ONLY fields, at every depth.
void clear_output_only(google::protobuf::Message& message);

// AIP-134: copies what `mask` names from `patch` into `target`; without paths all that is set in
// `patch`, with "*" everything. OUTPUT_ONLY and IMMUTABLE fields and the etag stay. Violations
// name unknown paths and immutable ones that differ; `target` is unchanged then.
Violations update(const google::protobuf::Message& patch, const google::protobuf::FieldMask& mask,
                  google::protobuf::Message& target);

// A new etag for a resource that is written now.
std::string make_etag(int64_t id, int64_t written_ms);
// OK when the caller sent none, or the current one (AIP-154).
grpc::Status check_etag(std::string_view sent, std::string_view current);

// AIP-158. A token holds the last id of its page, and is good for the same request only.
struct Page {
  int64_t after = 0;
  int size = page_size_default;
};
// Reads page_size and page_token of a List request.
grpc::Status read_page(const google::protobuf::Message& request, Page& page);
std::string page_token(const google::protobuf::Message& request, int64_t last_id);

// INVALID_ARGUMENT when a batch (AIP-231) is empty or too large.
grpc::Status check_batch(int size, const std::string& field);

}  // namespace shop
