#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/json_to_wire.h"

namespace parley::wire {

// The paths that a PATCH body sets, in declared names relative to the message of `program`, in the
// order of the body: nested messages contribute their leaves, `{}` and null the field itself;
// lists, maps and well-known types count whole; options.bound are left out. Empty for `{}`.
// REQUIRES: json_to_wire has accepted `json`; 64 bytes after its end are readable.
Result<std::vector<std::string>> update_mask_of(const Program& program, std::string_view json,
                                                const JsonReadOptions& options);

// Appends tag and value of a field of type google.protobuf.FieldMask.
void append_field_mask(const contract::Field& field, std::span<const std::string> paths,
                       ByteBuffer& out);

}  // namespace parley::wire
