// Any path: it parses or not, and what it binds are parts of it.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "contract/contract_fake.h"
#include "door/request_path.h"
#include "door/rest_router.h"

namespace parley::door {
namespace {

struct Names {
  contract::Contract contract = contract::contract_from(R"(
      syntax = "proto3"; package t; import "google/api/annotations.proto";
      message M { string a = 1; string b = 2; }
      service S {
        rpc A(M) returns (M) { option (google.api.http) = {get: "/v1/{a}"}; }
        rpc B(M) returns (M) { option (google.api.http) = {get: "/v1/{a=x/*}/{b=y/**}"}; }
        rpc C(M) returns (M) { option (google.api.http) = {get: "/v1/{a=**}:go"}; }
        rpc D(M) returns (M) { option (google.api.http) = {get: "/v1/x/caf%C3%A9"}; }
        rpc E(M) returns (M) { option (google.api.http) = {get: "/{a}/x/{b}:go"}; }
      })");
  Settings settings;
  std::vector<Exposed> exposed;
  RestRouter router;

  Names() {
    for (const contract::Method& method : contract.services()[0].methods)
      exposed.push_back({&method, nullptr, &settings, "fuzz"});
    std::vector<const Exposed*> methods;
    for (const Exposed& one : exposed) methods.push_back(&one);
    std::vector<RouteConflict> conflicts;
    router = RestRouter::build(methods, conflicts);
  }
};

void check(std::string_view raw) {
  static const Names names;
  const auto path = RequestPath::parse(raw);
  if (!path) return;
  const std::string allow = names.router.allow(*path);
  const RouteMatch match = names.router.match("GET", *path);
  PARLEY_ASSERT(allow.empty() == (match.route == nullptr) ||
                allow.find("GET") == std::string::npos);
  if (match.route == nullptr) return;
  PARLEY_ASSERT(match.end <= raw.size());
  for (size_t i = 0; i < match.route->rule->path.variables.size(); ++i) {
    const std::string_view value = match.value(*path, i);
    PARLEY_ASSERT(value.empty() || (value.data() >= raw.data() &&
                                    value.data() + value.size() <= raw.data() + match.end));
  }
}

}  // namespace
}  // namespace parley::door

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  parley::door::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
