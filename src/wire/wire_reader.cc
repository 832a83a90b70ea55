#include "wire/wire_reader.h"

#include <bit>
#include <cstring>

namespace parley::wire {
namespace {

// The seven low bits of each byte, side by side.
uint64_t joined_sevens(uint64_t bytes) {
  bytes &= 0x7F7F7F7F7F7F7F7F;
  bytes = (bytes & 0x007F007F007F007F) | (bytes & 0x7F007F007F007F00) >> 1;
  bytes = (bytes & 0x00003FFF00003FFF) | (bytes & 0x3FFF00003FFF0000) >> 2;
  return (bytes & 0x000000000FFFFFFF) | (bytes & 0x0FFFFFFF00000000) >> 4;
}

// long_varint() where kVarintMax bytes are there: eight of them are looked at together.
const char* varint_at_once(const char* at, uint64_t& value) {
  uint64_t bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  if (const uint64_t ends = ~bytes & 0x8080808080808080) {
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

}  // namespace

const char* WireReader::long_varint(const char* at, const char* end, uint64_t& value) {
  if (end - at >= static_cast<ptrdiff_t>(kVarintMax)) return varint_at_once(at, value);
  uint64_t read = 0;
  for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
    const auto byte = static_cast<uint8_t>(*at++);
    // The tenth byte holds one bit of a 64-bit value.
    if (shift == 63 && byte > 1) break;
    read |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      value = read;
      return at;
    }
  }
  return nullptr;
}

std::string_view WireReader::group() {
  uint32_t open[kSkipDepthMax];
  size_t depth = 0;
  open[depth++] = number();
  const char* const start = at_;
  const char* tag_at = at_;
  while (next()) {
    if (type() == WireType::Start) {
      if (depth == kSkipDepthMax) break;
      open[depth++] = number();
    } else if (type() == WireType::End) {
      if (number() != open[--depth]) break;
      if (depth == 0) return {start, static_cast<size_t>(tag_at - start)};
    } else {
      skip();
    }
    tag_at = at_;
  }
  failed_ = true;
  return {};
}

void WireReader::skip() {
  switch (type()) {
    case WireType::Varint: (void)varint(); return;
    case WireType::Fixed64: (void)fixed64(); return;
    case WireType::Length: (void)bytes(); return;
    case WireType::Start: (void)group(); return;
    case WireType::End: failed_ = true; return;
    case WireType::Fixed32: (void)fixed32(); return;
  }
}

uint64_t WireReader::varint_or(uint64_t fallback) {
  if (type() == WireType::Varint) return varint();
  skip();
  return fallback;
}

std::string_view WireReader::bytes_or(std::string_view fallback) {
  if (type() == WireType::Length) return bytes();
  skip();
  return fallback;
}

}  // namespace parley::wire
