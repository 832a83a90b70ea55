#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "wire/wire_format.h"

namespace parley::wire {

inline constexpr uint16_t kSkipDepthMax = 100;  // nested groups that `skip` follows
inline constexpr int kTagMax = 5;               // bytes of the longest tag

// Reads protobuf's wire format (Protocol Buffers, "Encoding") from bytes that nobody has checked.
// Every read says whether it could; after the first that could not the reader stays failed and at
// its place. Never reads beyond the end.
//
//   WireReader reader(bytes);
//   while (reader.next()) switch (reader.number()) { ... reader.skip(); }
//   if (reader.failed()) ...
// The seven low bits of each byte, side by side.
inline uint64_t joined_sevens(uint64_t bytes) {
  bytes &= 0x7F7F7F7F7F7F7F7F;
  bytes = (bytes & 0x007F007F007F007F) | (bytes & 0x7F007F007F007F00) >> 1;
  bytes = (bytes & 0x00003FFF00003FFF) | (bytes & 0x3FFF00003FFF0000) >> 2;
  return (bytes & 0x000000000FFFFFFF) | (bytes & 0x0FFFFFFF00000000) >> 4;
}

// Where the varint at `at` ends, of which kVarintMax bytes are readable; null: nowhere.
inline const char* varint_at_once(const char* at, uint64_t& value) {
  uint64_t bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  if (const uint64_t ends = ~bytes & 0x8080808080808080) [[likely]] {
    value = joined_sevens(bytes & (ends ^ (ends - 1)));
    return at + std::countr_zero(ends) / 8 + 1;
  }
  const auto ninth = static_cast<uint8_t>(at[8]);
  const auto tenth = static_cast<uint8_t>(at[9]);
  value = joined_sevens(bytes) | static_cast<uint64_t>(ninth & 0x7F) << 56;
  if (ninth < 0x80) return at + 9;
  // The tenth byte holds one bit of a 64-bit value.
  value |= static_cast<uint64_t>(tenth) << 63;
  return tenth > 1 ? nullptr : at + kVarintMax;
}

class WireReader {
 public:
  WireReader() = default;
  explicit WireReader(std::string_view wire) : at_(wire.data()), end_(wire.data() + wire.size()) {}

  // Reads a tag. False at the end, and on a bad tag (then `failed`). A number of 0, the unused wire
  // types 6 and 7 and more than kTagMax bytes are bad.
  bool next();
  uint32_t tag() const { return tag_; }
  uint32_t number() const { return tag_ >> 3; }
  WireType type() const { return static_cast<WireType>(tag_ & 7); }

  // The value after a tag; each is 0 or empty when the reader has failed.
  uint64_t varint();
  uint32_t fixed32() { return fixed<uint32_t>(); }
  uint64_t fixed64() { return fixed<uint64_t>(); }
  std::string_view bytes();  // of wire type Length
  std::string_view group();  // the content up to the matching end tag

  // Passes over the value of the last tag, groups too.
  void skip();

  // The value if the last tag has the wire type that it needs; else it is skipped, as an unknown
  // field is, and `fallback` stays.
  uint64_t varint_or(uint64_t fallback);
  std::string_view bytes_or(std::string_view fallback);

  // Where the varint at `at` ends; null: nowhere. By value, so that readers can stay in registers.
  static const char* long_varint(const char* at, const char* end, uint64_t& value);

  bool failed() const { return failed_; }
  bool at_end() const { return at_ == end_; }
  const char* position() const { return at_; }
  const char* end() const { return end_; }
  void fail() { failed_ = true; }

 private:
  template <typename T>
  T fixed();

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  uint32_t tag_ = 0;
  bool failed_ = false;
};

inline uint64_t WireReader::varint() {
  if (at_ < end_ && static_cast<uint8_t>(*at_) < 0x80) [[likely]]
    return static_cast<uint8_t>(*at_++);
  uint64_t value = 0;
  const char* const next = long_varint(at_, end_, value);
  failed_ = failed_ || next == nullptr;
  at_ = next ? next : at_;
  return value;
}

inline bool WireReader::next() {
  if (at_ == end_ || failed_) return false;
  const char* const start = at_;
  const uint64_t tag = varint();
  if (failed_ || tag >> 3 == 0 || tag > UINT32_MAX || (tag & 7) > 5 || at_ - start > kTagMax)
      [[unlikely]] {
    failed_ = true;
    return false;
  }
  tag_ = static_cast<uint32_t>(tag);
  return true;
}

template <typename T>
T WireReader::fixed() {
  T value = 0;
  if (static_cast<size_t>(end_ - at_) < sizeof value) [[unlikely]] {
    failed_ = true;
    return 0;
  }
  std::memcpy(&value, at_, sizeof value);  // little-endian, as the wire
  at_ += sizeof value;
  return value;
}

inline std::string_view WireReader::bytes() {
  const uint64_t size = varint();
  if (failed_ || size > static_cast<size_t>(end_ - at_)) [[unlikely]] {
    failed_ = true;
    return {};
  }
  const std::string_view content(at_, size);
  at_ += size;
  return content;
}

}  // namespace parley::wire
