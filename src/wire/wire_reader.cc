#include "wire/wire_reader.h"

namespace parley::wire {
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
