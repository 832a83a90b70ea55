#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "wire/json_string.h"
#include "wire/json_writer.h"
#include "wire/number_text.h"
#include "wire/well_known_text.h"

namespace parley::wire {

// Writes the scalar behind the tag, or an element of a packed list.
bool JsonWriter::scalar(const FieldPlan& plan, WireReader& reader) {
  if (wire_type(plan.kind) == WireType::Length) {
    const std::string_view content = reader.bytes();
    if (reader.failed()) return malformed("wire data that is no message");
    if (plan.kind == Kind::String) return string(content);
    bytes(content);
    return true;
  }
  uint64_t bits = 0;
  switch (wire_type(plan.kind)) {
    case WireType::Fixed64: bits = reader.fixed64(); break;
    case WireType::Fixed32: bits = reader.fixed32(); break;
    default: bits = reader.varint(); break;
  }
  if (reader.failed()) [[unlikely]]
    return malformed("wire data that is no message");
  switch (plan.kind) {
    case Kind::Sint32:
      bits = static_cast<uint64_t>(zigzag_decode(static_cast<uint32_t>(bits)));
      break;
    case Kind::Sint64: bits = static_cast<uint64_t>(zigzag_decode(bits)); break;
    default: break;
  }
  return scalar_bits(plan, bits);
}

// Writes a scalar by the bits of its value, as contract::Field::default_bits has them too.
bool JsonWriter::scalar_bits(const FieldPlan& plan, uint64_t bits) {
  switch (plan.kind) {
    case Kind::Double: return floating(std::bit_cast<double>(bits));
    case Kind::Float: return floating(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    case Kind::Int32:
    case Kind::Sint32:
    case Kind::Sfixed32: number(static_cast<int32_t>(bits)); break;
    case Kind::Uint32:
    case Kind::Fixed32: number(static_cast<uint32_t>(bits)); break;
    case Kind::Int64:
    case Kind::Sint64:
    case Kind::Sfixed64: long_number(static_cast<int64_t>(bits)); break;
    case Kind::Uint64:
    case Kind::Fixed64: long_number(bits); break;
    case Kind::Bool: out_.append(bits != 0 ? "true" : "false"); break;
    case Kind::Enum: enumeration(plan, static_cast<int32_t>(bits)); break;
    case Kind::NullValue: out_.append("null"); break;
    default: break;
  }
  return true;
}

template <typename T>
void JsonWriter::number(T value) {
  char* const to = out_.room(kIntegerTextMax);
  if constexpr (std::is_signed_v<T>) {
    out_.advance(put_int64(to, value));
  } else {
    out_.advance(put_uint64(to, value));
  }
}

template <typename T>
void JsonWriter::long_number(T value) {
  if (options_.int64_numbers) return number(value);
  out_.put('"');
  number(value);
  out_.put('"');
}

template <typename T>
bool JsonWriter::floating(T value) {
  if (!std::isfinite(value)) [[unlikely]] {
    if (!frames_.empty() && frames_.back().program->kind() == Kind::Value)
      return malformed("a number in a Value that is not finite");
    out_.append(std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    return true;
  }
  char* const to = out_.room(kDoubleTextMax);
  if constexpr (sizeof(T) == sizeof(double)) {
    out_.advance(put_double(to, value));
  } else {
    out_.advance(put_float(to, value));
  }
  return true;
}

void JsonWriter::enumeration(const FieldPlan& plan, int32_t value) {
  const contract::EnumValue* const known =
      options_.enum_numbers ? nullptr : plan.field->enumeration->find(value);
  if (known == nullptr) return number(value);
  out_.put('"');
  out_.append(known->name);
  out_.put('"');
}

// The text of a map's key, without quotes.
bool JsonWriter::key_text(Kind kind, WireReader& reader) {
  uint64_t bits = 0;
  switch (wire_type(kind)) {
    case WireType::Fixed64: bits = reader.fixed64(); break;
    case WireType::Fixed32: bits = reader.fixed32(); break;
    default: bits = reader.varint(); break;
  }
  if (reader.failed()) return malformed("wire data that is no message");
  switch (kind) {
    case Kind::Bool: out_.append(bits != 0 ? "true" : "false"); break;
    case Kind::Uint32:
    case Kind::Fixed32: number(static_cast<uint32_t>(bits)); break;
    case Kind::Uint64:
    case Kind::Fixed64: number(bits); break;
    case Kind::Int64:
    case Kind::Sfixed64: number(static_cast<int64_t>(bits)); break;
    case Kind::Sint32: number(zigzag_decode(static_cast<uint32_t>(bits))); break;
    case Kind::Sint64: number(zigzag_decode(bits)); break;
    default: number(static_cast<int32_t>(bits)); break;
  }
  return true;
}

bool JsonWriter::default_value(const FieldPlan& plan) {
  if (plan.shape != Shape::Single) {
    out_.append(plan.shape == Shape::Map ? "{}" : "[]");
    return true;
  }
  if (plan.kind == Kind::String) return own_string(plan.field->default_text());
  if (plan.kind == Kind::Bytes) {
    bytes(plan.field->default_text());
    return true;
  }
  return scalar_bits(plan, plan.field->default_bits);
}

// What stands for a field that was asked for by name and is not there.
bool JsonWriter::absent_value(const FieldPlan& plan) {
  if (plan.shape != Shape::Single || !is_message(plan.kind)) return default_value(plan);
  if (plan.kind == Kind::Message) return message(plan.message(), {}, 0);
  out_.append("null");
  return true;
}

bool JsonWriter::string(std::string_view text) {
  constexpr size_t kShort = 32;
  if (text.empty()) {  // perhaps nowhere
    out_.append("\"\"");
    return true;
  }
  bool high = false;
  const char* const end = text.data() + text.size();
  const char* const stop = long_plain_end(text.data(), end, high);
  // What lies behind the end was looked at too: `high` may be its doing.
  if (high && !utf8_valid(text)) return invalid_text(text);
  if (stop < end) [[unlikely]] {
    if (!high && !utf8_valid(text)) return invalid_text(text);
    escaped(text);
    return true;
  }
  char* const to = out_.room(text.size() + 2);
  *to = '"';
  if (text.size() <= kShort) {
    std::memcpy(to + 1, text.data(), kShort);
  } else {
    std::memcpy(to + 1, text.data(), text.size());
  }
  to[text.size() + 1] = '"';
  out_.advance(to + text.size() + 2);
  return true;
}

// Text that is no UTF-8. Where the contract takes it (proto2, features.utf8_validation: NONE) it is
// written repaired, since JSON has to be UTF-8.
bool JsonWriter::invalid_text(std::string_view text) {
  const FieldPlan* const plan = frames_.empty() ? nullptr : frames_.back().field;
  const bool taken = plan && plan->kind == Kind::String && !plan->field->validate_utf8;
  return taken ? own_string(utf8_repaired(text)) : malformed("invalid UTF-8 in a string");
}

bool JsonWriter::own_string(std::string_view text) { return string(Bytes::copy(text).view()); }

// Writes a string with the escapes that it needs, run by run.
void JsonWriter::escaped(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  out_.put('"');
  while (at < end) {
    bool high = false;
    const char* const run = std::min(plain_end(at, end, high), end);
    out_.append({at, static_cast<size_t>(run - at)});
    if (run == end) break;
    out_.advance(put_json_escape(out_.room(kEscapedMax), *run));
    at = run + 1;
  }
  out_.put('"');
}

void JsonWriter::bytes(std::string_view content) {
  char* to = out_.room(base64_size(content.size()) + 2);
  *to++ = '"';
  to = base64_encode(content, to);
  *to++ = '"';
  out_.advance(to);
}

// Writes a submessage, or opens the frame that will. `any_ends`: of Any objects that end with it.
bool JsonWriter::message(const Program& program, std::string_view wire, uint16_t any_ends) {
  switch (program.kind()) {
    case Kind::Bare:
    case Kind::Value: return push(program, wire, true, any_ends);
    case Kind::Any: return any(wire, any_ends);
    case Kind::Timestamp:
    case Kind::Duration:
      if (!time(program.kind(), wire)) return false;
      break;
    case Kind::FieldMask:
      if (!field_mask(wire)) return false;
      break;
    default: return push(program, wire, false, any_ends);
  }
  end_any(any_ends);
  return true;
}

bool JsonWriter::time(Kind kind, std::string_view wire) {
  TimeParts time;
  WireReader reader(wire);
  while (reader.next()) {
    if (reader.number() == 1) {
      time.seconds = static_cast<int64_t>(reader.varint_or(static_cast<uint64_t>(time.seconds)));
    } else if (reader.number() == 2) {
      time.nanos =
          static_cast<int32_t>(reader.varint_or(static_cast<uint64_t>(int64_t{time.nanos})));
    } else {
      reader.skip();
    }
  }
  if (reader.failed()) return malformed("wire data that is no message");
  const bool timestamp = kind == Kind::Timestamp;
  if (timestamp ? !valid_timestamp(time) : !valid_duration(time))
    return malformed(timestamp ? "a Timestamp out of range" : "a Duration out of range");
  char* to = out_.room(std::max(kTimestampTextMax, kDurationTextMax) + 2);
  *to++ = '"';
  to = timestamp ? put_timestamp(to, time) : put_duration(to, time);
  *to++ = '"';
  out_.advance(to);
  return true;
}

bool JsonWriter::field_mask(std::string_view wire) {
  std::string& text = scratch_.text;
  std::string& path = scratch_.path;
  text.clear();
  bool first = true;
  WireReader reader(wire);
  while (reader.next()) {
    if (reader.number() != 1 || reader.type() != WireType::Length) {
      reader.skip();
      continue;
    }
    if (!mask_path_to_json(reader.bytes(), path))
      return malformed("a FieldMask path that JSON cannot have");
    if (!first) text += ',';
    first = false;
    text += path;
  }
  if (reader.failed()) return malformed("wire data that is no message");
  const size_t size = text.size();
  text.append(kBytesPadding, '\0');  // which string() may read
  return string(std::string_view(text).substr(0, size));
}

// google.protobuf.Any, which may hold another, and so on.
bool JsonWriter::any(std::string_view wire, uint16_t any_ends) {
  for (;;) {
    std::string_view type_url;
    std::string_view value;
    WireReader reader(wire);
    while (reader.next()) {
      if (reader.number() == 1) {
        type_url = reader.bytes_or(type_url);
      } else if (reader.number() == 2) {
        value = reader.bytes_or(value);
      } else {
        reader.skip();
      }
    }
    if (reader.failed()) return malformed("wire data that is no message");
    if (depth_ + any_ends >= options_.depth_max) return malformed("messages are nested too deeply");
    if (type_url.empty() && value.empty()) {
      out_.append("{}");
      end_any(any_ends);
      return true;
    }
    const size_t slash = type_url.rfind('/');
    const Program* const program =
        slash == std::string_view::npos ? nullptr : any_types_->find(type_url.substr(slash + 1));
    if (program == nullptr) return unknown_any(type_url, value, any_ends);
    if (program->kind() == Kind::Message) {
      if (!push(*program, value, false, any_ends)) return false;
      frames_.back().first = false;
      return type_member(type_url);
    }
    open_bracket('{');
    if (!type_member(type_url)) return false;
    out_.put(',');
    value_name();
    ++any_ends;
    if (program->kind() != Kind::Any) return message(*program, value, any_ends);
    wire = value;
  }
}

bool JsonWriter::type_member(std::string_view type_url) {
  if (options_.pretty) new_line();
  quoted_key("\"@type\":");
  return string(type_url);
}

void JsonWriter::value_name() {
  if (options_.pretty) new_line();
  quoted_key("\"value\":");
}

bool JsonWriter::unknown_any(std::string_view type_url, std::string_view value, uint16_t any_ends) {
  if (!options_.unknown_any_as_base64) {
    if (problem_.empty())
      problem_ = fmt::format("an Any of the type \"{}\", which the contract does not have",
                             utf8_repaired(type_url));
    return false;
  }
  open_bracket('{');
  if (!type_member(type_url)) return false;
  out_.put(',');
  value_name();
  bytes(value);
  end_any(static_cast<uint16_t>(any_ends + 1));
  return true;
}

void JsonWriter::end_any(uint16_t any_ends) {
  for (unsigned i = 0; i < any_ends; ++i) close_bracket('}', false);
}

void JsonWriter::open_bracket(char c) {
  out_.put(c);
  ++indent_;
}

void JsonWriter::close_bracket(char c, bool empty) {
  --indent_;
  if (options_.pretty && !empty) new_line();
  out_.put(c);
}

void JsonWriter::new_line() {
  const size_t spaces = size_t{2} * indent_;
  char* const to = out_.room(spaces + 1);
  *to = '\n';
  std::memset(to + 1, ' ', spaces);
  out_.advance(to + 1 + spaces);
}

// Writes a key that has its quotes and colon.
void JsonWriter::quoted_key(std::string_view key) {
  out_.append(key);
  if (options_.pretty) out_.put(' ');
}

}  // namespace parley::wire
