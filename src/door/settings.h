#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace parley::door {

enum class OnUnknown : uint8_t { Reject, Ignore };

// How REST is served: `rest:` in parley.yaml, for all methods or for some.
struct RestSettings {
  OnUnknown unknown_query = OnUnknown::Reject;  // parameters that name no field
  OnUnknown unknown_json = OnUnknown::Reject;   // keys that name no field, enum names

  // The JSON that is written.
  bool presence_set_only = false;  // `presence: set_only`: leave defaults without presence out
  bool int64_numbers = false;      // `int64: number` instead of strings
  bool enum_numbers = false;       // `enums: number`
  bool proto_names = false;        // `names: proto`

  // `unknown_any: base64`: a google.protobuf.Any of a type that the contract does not have is
  // {"@type", "value": base64}, in both directions, instead of a failure.
  bool unknown_any_as_base64 = false;

  uint16_t depth_max = 100;              // nesting of JSON and of query paths
  uint32_t query_parameters_max = 1000;  // of one request
  bool hide_upstream_detail = false;     // on 5xx: the upstream's message and details stay inside
  // How long a stream's status waits for the first message; then the answer begins with 200.
  Duration stream_status_wait = std::chrono::seconds(30);
};

// Which header fields become metadata, and the other way round: `metadata:` in parley.yaml.
struct MetadataSettings {
  // Names beyond the ones that always pass ("cookie", "set-cookie"); lower case; one that ends in
  // `*` stands for every name that begins so.
  std::vector<std::string> to_upstream;
  std::vector<std::string> to_client;
  bool pass_underscores = false;  // REST: names with '_' pass instead of being dropped
  // Say who the client is by its verified certificate, in `x-forwarded-client-cert`; what a client
  // says there itself never passes.
  bool forward_client_cert = false;
  bool reject_invalid = false;  // what gRPC cannot carry is refused instead of dropped
};

// What doors need to know of a method beyond its contract.
struct Settings {
  RestSettings rest;
  MetadataSettings metadata;
  uint32_t message_bytes_max = 4 * 1024 * 1024;  // of a request's or an answer's message
  // The longest that a call may take; a client may ask for less. nullopt: the default below.
  std::optional<Duration> timeout;
  Duration unary_timeout_default = std::chrono::seconds(60);  // streams have none
};

}  // namespace parley::door
