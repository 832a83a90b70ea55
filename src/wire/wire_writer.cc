#include "wire/wire_writer.h"

namespace parley::wire {

void append_field(ByteBuffer& out, const contract::Field& field, std::string_view content) {
  const auto number = static_cast<uint32_t>(field.number);
  if (!field.delimited || field.map) return append_bytes_field(out, number, content);
  append_tag(out, number, WireType::Start);
  out.append(content);
  append_tag(out, number, WireType::End);
}

}  // namespace parley::wire
