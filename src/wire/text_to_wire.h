#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/json_to_wire.h"
#include "wire/program.h"

namespace parley::wire {

struct TextOptions {
  Reason reason = Reason::QueryInvalid;  // of the failure
  std::string_view name;                 // what the failure and its violation call the field
  // The message that a FieldMask speaks of; nullptr: segments are only put into snake case.
  const contract::Message* mask_target = nullptr;
  JsonReadOptions json = {};  // of JSON text
};

// Appends tag and value of `field` read from the text of a path variable or a query parameter:
// integers in decimal, bool `true`, `false` in any case, `1`, `0`, enums by name or number, bytes
// in either base64 alphabet, Timestamp, Duration and wrappers by their JSON form, FieldMask by JSON
// or declared names, Struct, Value and ListValue as JSON text. Of a repeated field: one element.
// Other messages and maps are refused. Defaults are written too.
Result<void> text_to_wire(const Programs& programs, const contract::Field& field,
                          std::string_view text, const TextOptions& options, ByteBuffer& out);

}  // namespace parley::wire
