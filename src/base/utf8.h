#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace parley {

// Whether `text` is well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above
// U+10FFFF.
bool utf8_valid(std::string_view text);

// The length of the longest well-formed prefix.
size_t utf8_valid_prefix(std::string_view text);

// Appends a scalar value. REQUIRES: code_point <= 0x10FFFF and no surrogate.
void utf8_append(std::string& out, uint32_t code_point);

// `text` with every malformed byte replaced by U+FFFD.
std::string utf8_repaired(std::string_view text);

}  // namespace parley
