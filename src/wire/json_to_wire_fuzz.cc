#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "base/assert.h"
#include "wire/oracle_fake.h"
#include "wire/update_mask.h"

namespace {

// json_util reads long numbers with a point or an exponent by way of a double.
bool has_long_number(std::string_view json) {
  size_t digits = 0;
  for (const char c : json) {
    digits = parley::ascii_digit(c) || c == '.' ? digits + 1 : 0;
    if (digits > 15) return true;
  }
  return false;
}

void check_meaning(parley::wire::Oracle& oracle, const std::string& name, const std::string& json,
                   std::string_view wire) {
  const auto ours = oracle.parsed(name, wire);
  PARLEY_ASSERT(ours != nullptr);
  std::string text;
  if (parley::wire::misread_by_protobuf(name, json) || has_long_number(json) ||
      !oracle.from_json(name, json, text))
    return;
  const auto theirs = oracle.parsed(name, text);
  PARLEY_ASSERT(theirs != nullptr);
  oracle.normalize(*ours);
  oracle.normalize(*theirs);
  const std::string differs = parley::wire::difference(*ours, *theirs);
  if (!differs.empty()) std::fputs(differs.c_str(), stderr);
  PARLEY_ASSERT(differs.empty());
}

}  // namespace

// Any text is refused, or becomes wire that becomes JSON that becomes the same wire; protobuf takes
// this wire, and where its json_util takes the text, too, it means the same. The first byte chooses
// the message and the options.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace parley;
  using namespace parley::wire;
  static Oracle proto3(kProto3);
  static Oracle proto2(kProto2);
  static constexpr std::string_view kNames[] = {"t.Scalars", "t.Lists", "t.Tree", "t.Maps",
                                                "t.Choice",  "t.Known", "t2.Old", "t.Optionals"};
  if (size == 0) return 0;
  const std::string name(kNames[data[0] % std::size(kNames)]);
  Oracle& oracle = name.starts_with("t2.") ? proto2 : proto3;
  const Program& program = oracle.codec().program(name);
  const Bytes json = Bytes::copy({reinterpret_cast<const char*>(data) + 1, size - 1});
  const JsonReadOptions options{.ignore_unknown = (data[0] & 0x80) != 0};
  ByteBuffer wire;
  const auto read = json_to_wire(program, json.view(), options, wire);
  (void)update_mask_of(program, json.view(), options);
  if (!read) {
    PARLEY_ASSERT(!read.error().message().empty());
    return 0;
  }
  check_meaning(oracle, name, std::string(json.view()), wire.view());
  ByteBuffer again_json;
  const auto written = wire_to_json(program, wire.view(), {.presence_set_only = true}, again_json);
  // Depth is counted otherwise in the two directions, and JSON can say masks that do not come back.
  if (!written) return 0;
  const Bytes padded = again_json.take();
  ByteBuffer again;
  PARLEY_ASSERT(json_to_wire(program, padded.view(), {.depth_max = 300}, again).has_value());
  ByteBuffer third;
  PARLEY_ASSERT(
      wire_to_json(program, again.view(), {.presence_set_only = true}, third).has_value());
  PARLEY_ASSERT(third.view() == padded.view());
  return 0;
}
