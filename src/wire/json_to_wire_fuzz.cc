#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "wire/codec_fake.h"
#include "wire/update_mask.h"

// Any text is refused, or becomes wire that becomes JSON that becomes the same wire. The first byte
// chooses the message and the options.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace parley;
  using namespace parley::wire;
  static const CodecFake proto3;
  static const CodecFake proto2(kProto2);
  static constexpr std::string_view kNames[] = {"t.Scalars", "t.Lists", "t.Tree", "t.Maps",
                                                "t.Choice",  "t.Known", "t2.Old", "t.Optionals"};
  if (size == 0) return 0;
  const std::string_view name = kNames[data[0] % std::size(kNames)];
  const CodecFake& codec = name.starts_with("t2.") ? proto2 : proto3;
  const Program& program = codec.program(name);
  const Bytes json = Bytes::copy({reinterpret_cast<const char*>(data) + 1, size - 1});
  const JsonReadOptions options{.ignore_unknown = (data[0] & 0x80) != 0};
  ByteBuffer wire;
  const auto read = json_to_wire(program, json.view(), options, wire);
  (void)update_mask_of(program, json.view(), options);
  if (!read) {
    PARLEY_ASSERT(!read.error().message().empty());
    return 0;
  }
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
