#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "contract/path_template.h"

// Any text is a template or a failure; a template keeps its promises.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using parley::contract::PathTemplate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  parley::Arena arena;
  const auto path = PathTemplate::parse(text, arena);
  if (!path) return 0;
  PARLEY_ASSERT(path->text == text && !path->segments.empty());
  PARLEY_ASSERT(path->segments.size() <= PathTemplate::kSegmentsMax);
  uint16_t end = 0;
  for (const auto& variable : path->variables) {
    PARLEY_ASSERT(end <= variable.first && variable.first < variable.last);
    PARLEY_ASSERT(variable.last <= path->segments.size());
    end = variable.last;
  }
  // A shape is a template without variables that has the same shape; escapes may make it too long.
  if (path->shape().size() > PathTemplate::kBytesMax) return 0;
  const std::string shape_text = path->shape();
  const auto shape = PathTemplate::parse(shape_text, arena);
  PARLEY_ASSERT(shape.has_value() && shape->shape() == path->shape());
  return 0;
}
