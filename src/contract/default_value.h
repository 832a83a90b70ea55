#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "contract/model.h"

namespace parley::contract {

// FieldDescriptorProto.default_value of a number or bool, as `Field::default_bits`: integers
// sign-extended. nullopt: not a value of that type.
std::optional<uint64_t> default_bits_of(Type type, std::string_view text);

// The bytes that C escapes (\n, \x41, \101) stand for: how bytes fields write their default.
// nullopt: an escape that is none.
std::optional<std::string> unescape_bytes(std::string_view text);

}  // namespace parley::contract
