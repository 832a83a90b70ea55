#include "gateway/exposure.h"

#include <algorithm>

namespace parley::gateway {
namespace {

// Services that upstreams have for their own operation, and ours (design, "Nothing is exposed by
// accident").
bool reserved(std::string_view full_name) {
  return full_name.starts_with("grpc.") || full_name.starts_with("envoy.") ||
         full_name.starts_with("parley.");
}

template <typename T>
void apply(const std::optional<T>& from, T& to) {
  if (from) to = *from;
}

void apply(const MethodOverride& from, door::Settings& to) {
  if (from.timeout) to.timeout = from.timeout;
  apply(from.message_bytes_max, to.message_bytes_max);
  apply(from.unknown_query, to.rest.unknown_query);
  apply(from.unknown_json, to.rest.unknown_json);
  apply(from.presence_set_only, to.rest.presence_set_only);
  apply(from.int64_numbers, to.rest.int64_numbers);
  apply(from.enum_numbers, to.rest.enum_numbers);
  apply(from.proto_names, to.rest.proto_names);
  apply(from.unknown_any_as_base64, to.rest.unknown_any_as_base64);
  apply(from.depth_max, to.rest.depth_max);
  apply(from.query_parameters_max, to.rest.query_parameters_max);
  apply(from.hide_upstream_detail, to.rest.hide_upstream_detail);
  apply(from.stream_status_wait, to.rest.stream_status_wait);
}

}  // namespace

bool selects(std::string_view selector, std::string_view full_name) {
  if (selector == "*" || selector == full_name) return true;
  if (selector.ends_with(".*"))
    return full_name.starts_with(selector.substr(0, selector.size() - 1));
  return full_name.size() > selector.size() && full_name.starts_with(selector) &&
         full_name[selector.size()] == '.';
}

Decision decide(const Expose& expose, const contract::Method& method, bool beyond_loopback) {
  if (reserved(method.full_name)) return {false, "reserved name: never forwarded"};
  switch (expose.mode) {
    case Expose::Mode::Default:
      if (beyond_loopback) return {false, "a listener is beyond loopback and `expose` is not set"};
      return {true, "loopback listeners expose all"};
    case Expose::Mode::All: return {true, "expose: all"};
    case Expose::Mode::Annotated:
      if (method.rules.empty()) return {false, "expose: annotated, and it has no HTTP rule"};
      return {true, method.rules.front().from_config ? "HTTP rule in the config"
                                                     : "HTTP rule in the contract"};
    case Expose::Mode::Selectors: break;
  }
  for (const std::string& selector : expose.selectors) {
    if (selects(selector, method.full_name)) return {true, "expose: " + selector};
  }
  return {false, "no selector of `expose` matches"};
}

door::Settings merge(const door::Settings& defaults, const std::vector<MethodOverride>& overrides,
                     std::string_view full_name) {
  std::vector<const MethodOverride*> matching;
  for (const MethodOverride& override : overrides) {
    if (selects(override.selector, full_name)) matching.push_back(&override);
  }
  // A longer selector says more about the name.
  std::sort(matching.begin(), matching.end(), [](const MethodOverride* a, const MethodOverride* b) {
    return a->selector.size() < b->selector.size();
  });
  door::Settings merged = defaults;
  for (const MethodOverride* override : matching) apply(*override, merged);
  return merged;
}

}  // namespace parley::gateway
