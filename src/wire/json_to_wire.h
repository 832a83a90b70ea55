#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/bound_value.h"
#include "wire/program.h"

namespace parley::wire {

struct JsonReadOptions {
  uint16_t depth_max = 100;     // nested objects and arrays
  uint16_t depth_used = 0;      // of them, those around this text
  bool ignore_unknown = false;  // unknown fields and enum names are skipped instead of refused
  // An Any of a type that nobody knows may be {"@type", "value": base64} instead of a failure.
  bool unknown_any_as_base64 = false;
  // Values that something else than the body sets. In the body each may be absent, null, the
  // default of a field without presence, or equal by value; it is not written. Anything else is
  // refused. At most kBoundValuesMax; paths are relative to the message that is read.
  std::span<const BoundValue> bound = {};
  std::string_view depth_limit = "depth_max";  // what a failure calls `depth_max`

  uint16_t depth_left() const {
    return depth_used < depth_max ? static_cast<uint16_t>(depth_max - depth_used) : uint16_t{0};
  }
};

// Appends the wire form of a message that `json` holds as ProtoJSON, strictly (RFC 8259, UTF-8,
// no duplicate keys, no unknown fields). 64 bytes after the end of `json` are readable.
// Failure: Reason::BodyInvalid with line, column, byte, field path and what was expected, the field
// also as a violation; `out` is then as it was.
Result<void> json_to_wire(const Program& program, std::string_view json,
                          const JsonReadOptions& options, ByteBuffer& out);

// The same where `json` is the value of one field of `parent`, of any kind: tag and value are
// appended. `null` appends nothing. Bound paths are relative to `parent`.
Result<void> json_to_wire_field(const Program& parent, const contract::Field& field,
                                std::string_view json, const JsonReadOptions& options,
                                ByteBuffer& out);

}  // namespace parley::wire
