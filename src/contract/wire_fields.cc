#include "contract/wire_fields.h"

#include <cstddef>

namespace parley::contract {
namespace {

// Wire types of the encoding that are no `Kind` of their own.
constexpr uint32_t kGroupStart = 3;
constexpr uint32_t kGroupEnd = 4;

}  // namespace

bool WireFields::next() {
  while (!rest_.empty() && !malformed_) {
    uint32_t type = 0;
    begin_ = rest_.data();
    if (!read_tag(type)) break;
    if (type != kGroupStart) {
      if (read_value(type)) return true;
      break;
    }
    if (!skip_group()) break;
  }
  malformed_ = malformed_ || !rest_.empty();
  return false;
}

bool WireFields::read_tag(uint32_t& type) {
  uint64_t tag = 0;
  if (!read_varint(tag) || tag > UINT32_MAX) return false;
  number_ = static_cast<uint32_t>(tag >> 3);
  type = static_cast<uint32_t>(tag & 7);
  return number_ != 0 || (malformed_ = true, false);
}

bool WireFields::read_value(uint32_t type) {
  kind_ = static_cast<Kind>(type);
  uint64_t length = 0;
  switch (type) {
    case 0: return read_varint(value_);
    case 1: return read_bytes(8);
    case 2: return read_varint(length) && read_bytes(length);
    case 5: return read_bytes(4);
    default: malformed_ = true; return false;
  }
}

bool WireFields::read_varint(uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  malformed_ = true;
  return false;
}

// Takes the next `count` bytes; fixed numbers are little-endian.
bool WireFields::read_bytes(size_t count) {
  if (count > rest_.size()) {
    malformed_ = true;
    return false;
  }
  bytes_ = rest_.substr(0, count);
  rest_.remove_prefix(count);
  if (kind_ == Kind::Bytes) return true;
  value_ = 0;
  for (size_t i = count; i-- > 0;) value_ = value_ << 8 | static_cast<unsigned char>(bytes_[i]);
  return true;
}

bool WireFields::skip_group() {
  for (size_t depth = 1; depth > 0;) {
    uint32_t type = 0;
    if (!read_tag(type)) return false;
    if (type == kGroupStart)
      ++depth;
    else if (type == kGroupEnd)
      --depth;
    else if (!read_value(type))
      return false;
  }
  return true;
}

}  // namespace parley::contract
