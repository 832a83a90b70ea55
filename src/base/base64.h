#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace parley {

// RFC 4648. `Standard` is section 4, `Url` section 5; `Either` takes both, mixed too, as ProtoJSON
// does.
enum class Base64 { Standard, Url, Either };

// Bytes that `size` bytes take when encoded with padding.
constexpr size_t base64_size(size_t size) { return (size + 2) / 3 * 4; }

// Writes the padded encoding of `in` to `out`, which has room for base64_size(in.size()). Returns
// the end.
char* base64_encode(std::string_view in, char* out);
std::string base64_encode(std::string_view in);

// Decodes `in`, padded or not; nullopt for a character outside of the alphabet, a wrong length or
// padding in the wrong place. `out` has room for in.size() / 4 * 3 + 3; returns the bytes written.
std::optional<size_t> base64_decode(std::string_view in, Base64 alphabet, char* out);
std::optional<std::string> base64_decode(std::string_view in, Base64 alphabet);

}  // namespace parley
