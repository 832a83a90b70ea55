#pragma once

#include <cstddef>
#include <string_view>

#include "base/base64.h"

// The wide forms of what long texts cost most, for processors that have AVX2. Whoever calls them
// has asked `available` before; utf8.h and base64.h do, and are what everybody else uses.
namespace parley::avx2 {

// Whether this processor has AVX2, and the system saves its registers.
bool available();

// Whether `text` is well-formed UTF-8.
bool utf8_valid(std::string_view text);

// The first byte at or after `at` that is a quote, a backslash or a control character, or a place
// at or behind `end`. `high`: there are bytes of 0x80 and above on the way. 32 bytes after `end`
// are readable.
const char* json_plain_end(const char* at, const char* end, bool& high);

// Encodes a prefix of whole groups of three, without padding; returns its size. What is left is
// shorter than 32 bytes.
size_t base64_encode(std::string_view in, char* out);

// Decodes a prefix of whole groups of four digits, and stops before a block with anything else in
// it; returns its size. `out` as for parley::base64_decode of all of `in`.
size_t base64_decode(std::string_view in, Base64 alphabet, char* out);

}  // namespace parley::avx2
