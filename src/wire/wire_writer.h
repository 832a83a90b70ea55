#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/bytes.h"
#include "contract/model.h"
#include "wire/program.h"

namespace parley::wire {

inline constexpr size_t kVarintMax = 10;  // bytes of the longest varint

constexpr size_t varint_size(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) * 9 + 64) / 64;
}
constexpr uint32_t make_tag(uint32_t number, WireType type) {
  return number << 3 | static_cast<uint32_t>(type);
}
constexpr uint64_t zigzag_encode(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}

// Writes a varint at `to`, which has room for kVarintMax bytes; returns its end.
inline char* put_varint(char* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

// Appends tags and values to a buffer: for messages that are written by hand.
inline void append_varint(ByteBuffer& out, uint64_t value) {
  char* const to = out.spare(kVarintMax);
  out.commit(static_cast<size_t>(put_varint(to, value) - to));
}
inline void append_tag(ByteBuffer& out, uint32_t number, WireType type) {
  append_varint(out, make_tag(number, type));
}
inline void append_varint_field(ByteBuffer& out, uint32_t number, uint64_t value) {
  append_tag(out, number, WireType::Varint);
  append_varint(out, value);
}
inline void append_bytes_field(ByteBuffer& out, uint32_t number, std::string_view content) {
  append_tag(out, number, WireType::Length);
  append_varint(out, content.size());
  out.append(content);
}

// Appends a message, map entry, string or bytes field whose content is already wire bytes; a
// delimited field goes between its start and end tags.
void append_field(ByteBuffer& out, const contract::Field& field, std::string_view content);

}  // namespace parley::wire
