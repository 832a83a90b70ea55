#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/field_selection.h"
#include "wire/program.h"

namespace parley::wire {

struct JsonWriteOptions {
  bool presence_set_only = false;  // leave out fields without presence that have their default
  bool int64_numbers = false;      // 64-bit integers as numbers instead of strings
  bool enum_numbers = false;
  bool proto_names = false;  // names as declared instead of lowerCamel
  bool pretty = false;       // two spaces a level
  // An Any of a type that nobody knows: {"@type", "value": base64} instead of a failure.
  bool unknown_any_as_base64 = false;
  uint16_t depth_max = 100;  // nested messages, of which a google.protobuf.Value is none
  // Write only these fields, and pass over the bytes of the others. Of the message that is written,
  // or with wire_to_json_field of that field's messages. nullptr: all.
  const FieldSelection::Node* selection = nullptr;
};

// Appends the ProtoJSON form of the message `wire`, in the order of the field numbers. 64 bytes
// after the end of `wire` are readable. Failure: Reason::UpstreamMalformed; `out` is then as it
// was.
Result<void> wire_to_json(const Program& program, std::string_view wire,
                          const JsonWriteOptions& options, ByteBuffer& out);

// The JSON of just one field of the message, of any kind. Absent: the default value; `[]`, `{}`;
// for a message the JSON of an empty one, for a well-known type `null`.
Result<void> wire_to_json_field(const Program& program, const contract::Field& field,
                                std::string_view wire, const JsonWriteOptions& options,
                                ByteBuffer& out);

}  // namespace parley::wire
