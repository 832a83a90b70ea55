// A whole request over REST: a line with the target, a line with the content type, then the body.
// Whatever it is, it is answered.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "contract/contract_fake.h"
#include "door/door_fake.h"
#include "door/rest_door.h"

namespace parley::door {
namespace {

constexpr std::string_view kProto = R"(
    syntax = "proto3"; package t;
    import "google/api/annotations.proto";
    import "google/protobuf/field_mask.proto";
    import "google/protobuf/struct.proto";
    import "google/protobuf/timestamp.proto";
    message Leaf { string name = 1; int64 id = 2; Leaf leaf = 3; repeated string tags = 4; }
    message M {
      string s = 1; int32 i = 2; Leaf leaf = 3; map<string, int32> map = 4;
      google.protobuf.Timestamp ts = 5; google.protobuf.Struct st = 6; repeated bytes by = 7;
      oneof pick { string a = 8; Leaf b = 9; }
      google.protobuf.FieldMask update_mask = 10; double d = 11;
    }
    service S {
      rpc Get(M) returns (M) { option (google.api.http) = {get: "/g/{leaf.id}"}; }
      rpc Post(M) returns (M) { option (google.api.http) = {post: "/p/{leaf.id}" body: "*"}; }
      rpc Patch(M) returns (M) { option (google.api.http) = {patch: "/q/{leaf.name=**}" body: "leaf"}; }
      rpc Watch(M) returns (stream M) { option (google.api.http) = {get: "/w/{s}"}; }
    })";

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

void check(std::string_view text) {
  static const contract::Contract contract = contract::contract_from(kProto);
  static const wire::Programs programs(contract, &google_types());
  DoorScene scene(programs);
  scene.service.echo = true;
  std::string_view target = take_line(text);
  const std::string_view verb = target.substr(0, target.find(' '));
  target.remove_prefix(std::min(target.size(), verb.size() + 1));
  FakeExchange& exchange = scene.request(verb, target);
  const std::string_view type = take_line(text);
  if (!type.empty()) exchange.add("content-type", type);
  if (!text.empty()) exchange.send(text);
  exchange.version_ = http::Version::Http11;
  scene.start(exchange);
  PARLEY_ASSERT(exchange.begun() && exchange.finished());
  PARLEY_ASSERT(exchange.answer_.status < 500 || exchange.answer_.status > 501);
}

}  // namespace
}  // namespace parley::door

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  parley::door::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
