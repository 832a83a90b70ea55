#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace parley::wire {

// The wire types of protobuf (Protocol Buffers, "Encoding").
enum class WireType : uint8_t {
  Varint = 0,
  Fixed64 = 1,
  Length = 2,
  Start = 3,
  End = 4,
  Fixed32 = 5,
};

inline constexpr size_t kVarintMax = 10;  // bytes of the longest varint
inline constexpr uint32_t kNumberMax = (1u << 29) - 1;

constexpr size_t varint_size(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) * 9 + 64) / 64;
}
constexpr uint32_t make_tag(uint32_t number, WireType type) {
  return number << 3 | static_cast<uint32_t>(type);
}
constexpr uint64_t zigzag_encode(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t zigzag_decode(uint64_t value) {
  return static_cast<int64_t>(value >> 1 ^ (0 - (value & 1)));
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

}  // namespace parley::wire
