// Selections of fields, and messages that they are asked of: INPUT is the text, a line feed, the
// message's wire bytes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "wire/codec_fake.h"
#include "wire/field_selection.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace parley::wire;
  static const CodecFake codec;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line = input.find('\n');
  if (line == std::string_view::npos) return 0;
  const std::string text(input.substr(0, line));
  FieldSelection selection;
  if (!selection.parse(codec.program("t.Tree"), text, 10).empty()) return 0;
  const std::string_view wire = input.substr(line + 1);
  const std::string part = codec.to_json("t.Tree", wire, {.selection = selection.root()});
  if (text.empty()) return 0;
  // With everything added the answer is the whole message.
  FieldSelection all;
  PARLEY_ASSERT(all.parse(codec.program("t.Tree"), text + ",*", 10).empty());
  const std::string whole = codec.to_json("t.Tree", wire);
  PARLEY_ASSERT(codec.to_json("t.Tree", wire, {.selection = all.root()}) == whole);
  if (!whole.starts_with("! ")) PARLEY_ASSERT(part.size() <= whole.size());
  return 0;
}
