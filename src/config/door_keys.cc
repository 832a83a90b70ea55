#include <chrono>

#include "config/settings_keys.h"

namespace parley::config {
namespace {

using namespace std::chrono_literals;
using gateway::MethodOverride;

Word<door::OnUnknown> on_unknown() {
  return choice<door::OnUnknown>(
      {{"reject", door::OnUnknown::Reject}, {"ignore", door::OnUnknown::Ignore}});
}

// The settings of REST: the same names and sentences for all methods (RestSettings) and for some
// (MethodOverride).
template <typename Target>
Keys<Target> rest_keys() {
  return {
      one("unknown_query", &Target::unknown_query, on_unknown(),
          "Query parameters that name no field: `reject` answers 400, `ignore` drops them."),
      one("unknown_json", &Target::unknown_json, on_unknown(),
          "Keys and enum names in a JSON body that the contract does not have."),
      one("presence", &Target::presence_set_only,
          choice<bool>({{"all", false}, {"set_only", true}}),
          "Fields without presence in answers: `all` writes their defaults too, `set_only` leaves "
          "them out."),
      one("int64", &Target::int64_numbers, choice<bool>({{"string", false}, {"number", true}}),
          "How 64-bit integers are written. Beyond 2^53 a `number` is not exact in every reader."),
      one("enums", &Target::enum_numbers, choice<bool>({{"name", false}, {"number", true}}),
          "How enum values are written."),
      one("names", &Target::proto_names, choice<bool>({{"json", false}, {"proto", true}}),
          "How fields are named in answers: `userId`, or `user_id` as the contract has it."),
      one("unknown_any", &Target::unknown_any_as_base64,
          choice<bool>({{"reject", false}, {"base64", true}}),
          "A `google.protobuf.Any` of a type that the contract does not have: `reject` refuses it, "
          "`base64` writes and reads `{\"@type\": ..., \"value\": base64}`."),
      one("hide_upstream_detail", &Target::hide_upstream_detail, yes_or_no(),
          "Keep the upstream's message and details of a 5xx inside."),
      one("depth_max", &Target::depth_max, count<uint16_t>(1, 1000),
          "How deep JSON and paths in the query may be nested."),
      one("query_parameters_max", &Target::query_parameters_max, count<uint32_t>(1, 100'000),
          "Query parameters of one request."),
      one("stream_status_wait", &Target::stream_status_wait, duration(0s, 1h),
          "How long the status of a streamed answer waits for the first message; then it is 200."),
  };
}

Keys<door::MetadataSettings> metadata_keys() {
  using door::MetadataSettings;
  return {
      several("to_upstream", &MetadataSettings::to_upstream, field_name(),
              "Header fields of requests that become metadata, beyond those that always do; "
              "`x-tenant-*` stands for every name that begins so."),
      several("to_client", &MetadataSettings::to_client, field_name(),
              "Metadata of answers that becomes header fields, beyond those that always do."),
      one("pass_underscores", &MetadataSettings::pass_underscores, yes_or_no(),
          "REST: pass header fields with `_` in their names instead of dropping them."),
      one("client_cert", &MetadataSettings::forward_client_cert,
          choice<bool>({{"drop", false}, {"set", true}}),
          "`x-forwarded-client-cert`: with `set` upstreams learn who the client is by its verified "
          "certificate. What a client writes there itself never passes."),
      one("invalid", &MetadataSettings::reject_invalid,
          choice<bool>({{"drop", false}, {"reject", true}}),
          "Header fields that gRPC cannot carry, such as values beyond visible ASCII: `drop` "
          "leaves "
          "them out and counts them, `reject` answers 400."),
  };
}

Word<Duration> call_timeout() { return duration(1ms, 24h); }
Word<uint32_t> message_size() { return bytes<uint32_t>(kKiB, kGiB); }

constexpr std::string_view kTimeoutDoc =
    "The longest that a call may take, streams included; a client may ask for less.";
constexpr std::string_view kMessageDoc = "The largest message of a request or an answer.";

}  // namespace

Keys<door::Settings> door_keys() {
  using door::Settings;
  return {
      one("timeout", &Settings::timeout, call_timeout(), std::string(kTimeoutDoc)),
      one("unary_timeout_default", &Settings::unary_timeout_default, call_timeout(),
          "What a unary call may take when neither the client nor `timeout` says so. Streams have "
          "no such limit."),
      one("message_bytes_max", &Settings::message_bytes_max, message_size(),
          std::string(kMessageDoc)),
      section("rest", &Settings::rest, rest_keys<door::RestSettings>(), "How REST is served."),
      section("metadata", &Settings::metadata, metadata_keys(),
              "Which header fields pass to upstreams and back."),
  };
}

Elements<MethodOverride> method_elements() {
  return {{one("timeout", &MethodOverride::timeout, call_timeout(), std::string(kTimeoutDoc)),
           one("message_bytes_max", &MethodOverride::message_bytes_max, message_size(),
               std::string(kMessageDoc)),
           group("rest", rest_keys<MethodOverride>(), "As `rest`, for these methods.")},
          "",
          [](Reader& reader, Position at, const std::string& name, MethodOverride& target) {
            target.selector = name;
            if (const auto read = selector().read(name); !read)
              reader.error(at, "methods", read.error());
          },
          {}};
}

}  // namespace parley::config
