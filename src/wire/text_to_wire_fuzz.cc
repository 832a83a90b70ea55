#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "wire/codec_fake.h"
#include "wire/text_to_wire.h"

// Any text is refused, or becomes a field that the codec takes. The first bytes choose the field.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace parley;
  using namespace parley::wire;
  static const CodecFake codec;
  static constexpr std::string_view kNames[] = {"t.Scalars", "t.Lists", "t.Choice", "t.Known"};
  if (size < 2) return 0;
  const Program& program = codec.program(kNames[data[0] % std::size(kNames)]);
  const contract::Field& field = *program.fields()[data[1] % program.fields().size()].field;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const TextOptions options{.name = field.name,
                            .mask_target = data[0] & 0x80 ? &codec.message("t.Tree") : nullptr};
  ByteBuffer wire;
  if (!text_to_wire(codec.programs(), field, text, options, wire)) {
    PARLEY_ASSERT(wire.empty());
    return 0;
  }
  ByteBuffer json;
  // A FieldMask may hold paths that JSON does not have.
  const bool written = wire_to_json(program, wire.view(), {}, json).has_value();
  PARLEY_ASSERT(written || field.name == "mask");
  return 0;
}
