#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "contract/model.h"
#include "wire/wire_format.h"

namespace parley::wire {

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
