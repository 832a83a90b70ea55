#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "wire/json_string.h"
#include "wire/json_writer.h"
#include "wire/number_text.h"
#include "wire/wide_text.h"

namespace parley::wire {

// Where reading and writing stand, in registers: nothing but inlined functions gets its address.
struct JsonWriter::Pen {
  const char* in = nullptr;   // the wire
  const char* end = nullptr;  // of the message
  char* at = nullptr;         // the JSON
  size_t comma = 0;           // 1 once something has been written in this object

  size_t left() const { return static_cast<size_t>(end - in); }
};

namespace {

// Of a value that is written without asking for room: a number, or a short string, each with
// quotes, brackets and comma. Room for it comes with each name.
constexpr size_t kValueTextMax = std::max(kWide, kDoubleTextMax) + 8;
// Of what stands behind a value that slower code wrote: a comma or a bracket, or both.
constexpr size_t kBehindMax = 2;
constexpr const char* kNoMessage = "wire data that is no message";

// Where the varint ends; null: nowhere.
PARLEY_INLINE const char* read_varint(const char* in, const char* end, uint64_t& value) {
  if (in < end && static_cast<uint8_t>(*in) < 0x80) [[likely]] {
    value = static_cast<uint8_t>(*in);
    return in + 1;
  }
  if (end - in >= 2 && static_cast<uint8_t>(in[1]) < 0x80) {
    value = (static_cast<uint8_t>(in[0]) & 0x7Fu) | static_cast<uint64_t>(in[1]) << 7;
    return in + 2;
  }
  uint64_t read = 0;
  const char* const behind = WireReader::long_varint(in, end, read);
  value = read;
  return behind;
}

// Whether a packed list without elements is next: it is as if it was not there.
PARLEY_INLINE bool packs_nothing(const char* in, const char* end) {
  uint64_t size = 1;
  return in < end && (*in & 0x7f) == 0 && read_varint(in, end, size) != nullptr && size == 0;
}

// Where the value ends that is read into `bits`; null: nowhere.
PARLEY_INLINE const char* read_bits(WireType type, const char* in, const char* end,
                                    uint64_t& bits) {
  if (type == WireType::Varint) return read_varint(in, end, bits);
  const size_t size = type == WireType::Fixed32 ? 4 : 8;
  if (static_cast<size_t>(end - in) < size) return nullptr;
  if (size == 4) {
    uint32_t half = 0;
    std::memcpy(&half, in, sizeof half);
    bits = half;
  } else {
    std::memcpy(&bits, in, sizeof bits);
  }
  return in + size;
}

PARLEY_INLINE char* put_quoted(char* at, uint64_t value, bool has_sign) {
  *at++ = '"';
  at = has_sign ? put_int64(at, static_cast<int64_t>(value)) : put_uint64(at, value);
  *at++ = '"';
  return at;
}

// The number of `kind` with these bits, or a bool; null: it is not finite.
PARLEY_INLINE char* put_number(Kind kind, uint64_t bits, char* at) {
  switch (kind) {
    case Kind::Int32:
    case Kind::Sfixed32: return put_int64(at, static_cast<int32_t>(bits));
    case Kind::Sint32: return put_int64(at, zigzag_decode(static_cast<uint32_t>(bits)));
    case Kind::Uint32:
    case Kind::Fixed32: return put_uint64(at, static_cast<uint32_t>(bits));
    case Kind::Int64:
    case Kind::Sfixed64: return put_quoted(at, bits, true);
    case Kind::Sint64: return put_quoted(at, static_cast<uint64_t>(zigzag_decode(bits)), true);
    case Kind::Uint64:
    case Kind::Fixed64: return put_quoted(at, bits, false);
    case Kind::Bool: {
      std::memcpy(at, bits != 0 ? "true\0" : "false", 5);
      return at + (bits != 0 ? 4 : 5);
    }
    case Kind::Double: {
      const auto value = std::bit_cast<double>(bits);
      return std::isfinite(value) ? put_double(at, value) : nullptr;
    }
    default: {
      const auto value = std::bit_cast<float>(static_cast<uint32_t>(bits));
      return std::isfinite(value) ? put_float(at, value) : nullptr;
    }
  }
}

// Copies a short string while looking at it. Null: it is long, has something to escape, or is not
// all ASCII; then what was written does not count. kWide bytes from `text` on are readable, and
// room for as many is at `at`.
PARLEY_INLINE char* put_short_string(char* at, const char* text, size_t size) {
#ifdef __SSE2__
  if (size > kWide) return nullptr;
  const WideText wide(text);
  if (wide.stops() & ((uint64_t{1} << size) - 1)) return nullptr;
  *at++ = '"';
  wide.store(at);
  at += size;
  *at++ = '"';
  return at;
#else
  (void)at, (void)text, (void)size;
  return nullptr;
#endif
}

}  // namespace

PARLEY_INLINE char* JsonWriter::plain_room(char* at, size_t count) {
  if (static_cast<size_t>(out_.limit() - at) >= count) [[likely]]
    return at;
  out_.advance(at);
  return out_.room(count);
}

// The defaults of the fields from `from` up to `to`.
PARLEY_INLINE void JsonWriter::plain_defaults(Pen& pen, const Program& program,
                                              const FieldPlan& from, const FieldPlan& to) {
  const std::string_view text = program.defaults(from.index, to.index);
  if (text.empty()) return;
  const size_t size = text.size() - 1 + pen.comma;
  pen.at = plain_room(pen.at, size);
  std::memcpy(pen.at, text.data() + 1 - pen.comma, size);
  pen.at += size;
  pen.comma = 1;
}

// The name of the field, and before it the defaults of those from `next` on that were left out.
PARLEY_INLINE void JsonWriter::plain_name(Pen& pen, const Program& program, const FieldPlan& plan,
                                          const FieldPlan* next) {
  if (&plan != next && !options_.presence_set_only) [[unlikely]]
    plain_defaults(pen, program, *next, plan);
  const size_t size = plan.json_key.size() + pen.comma;
  const char* const key = plan.json_key.data() - pen.comma;
  pen.at = plain_room(pen.at, size + kValueTextMax);
  std::memcpy(pen.at, key, kWide);
  if (size > kWide) [[unlikely]]
    std::memcpy(pen.at + kWide, key + kWide, size - kWide);
  pen.at += size;
  pen.comma = 1;
}

PARLEY_INLINE bool JsonWriter::plain_number(Pen& pen, const FieldPlan& plan, Kind kind) {
  uint64_t bits = 0;
  pen.in = read_bits(wire_type(kind), pen.in, pen.end, bits);
  return plain_bits(pen, plan, kind, bits);
}

PARLEY_INLINE bool JsonWriter::plain_bits(Pen& pen, const FieldPlan& plan, Kind kind,
                                          uint64_t bits) {
  if (pen.in == nullptr) return malformed(kNoMessage);
  if (char* const behind = put_number(kind, bits, pen.at)) [[likely]] {
    pen.at = behind;
    return true;
  }
  out_.advance(pen.at);
  const bool ok = scalar_bits(plan, bits);
  pen.at = out_.room(kBehindMax);
  return ok;
}

PARLEY_INLINE bool JsonWriter::plain_string(Pen& pen) {
  uint64_t size = 0;
  pen.in = read_varint(pen.in, pen.end, size);
  if (pen.in == nullptr || size > pen.left()) return malformed(kNoMessage);
  const std::string_view text(pen.in, size);
  pen.in += size;
  if (char* const behind = put_short_string(pen.at, text.data(), size)) [[likely]] {
    pen.at = behind;
    return true;
  }
  out_.advance(pen.at);
  const bool ok = string(text);
  pen.at = out_.room(kBehindMax);
  return ok;
}

PARLEY_INLINE bool JsonWriter::plain_time(Pen& pen, const FieldPlan& plan) {
  uint64_t size = 0;
  pen.in = read_varint(pen.in, pen.end, size);
  if (pen.in == nullptr || size > pen.left()) return malformed(kNoMessage);
  out_.advance(pen.at);
  const bool ok = time(plan.kind, {pen.in, size});
  pen.in += size;
  pen.at = out_.room(kBehindMax);
  return ok;
}

// All numbers up to the end, each with a comma behind it; then `in` is there, or null. `kKind` is
// the field's, known when this is compiled.
template <Kind kKind>
JsonWriter::Pen JsonWriter::plain_numbers_of(Pen pen, const FieldPlan& plan) {
  while (pen.in != pen.end) {
    pen.at = plain_room(pen.at, kValueTextMax);
    uint64_t bits = 0;
    // The sizes of packed varints follow no pattern: no branch on them.
    if (wire_type(kKind) == WireType::Varint && pen.left() >= kVarintMax)
      pen.in = varint_at_once(pen.in, bits);
    else
      pen.in = read_bits(wire_type(kKind), pen.in, pen.end, bits);
    if (!plain_bits(pen, plan, kKind, bits)) {
      pen.in = nullptr;
      break;
    }
    *pen.at++ = ',';
  }
  return pen;
}

JsonWriter::Pen JsonWriter::plain_numbers(const Pen& pen, const FieldPlan& plan) {
  switch (plan.kind) {
    case Kind::Double: return plain_numbers_of<Kind::Double>(pen, plan);
    case Kind::Float: return plain_numbers_of<Kind::Float>(pen, plan);
    case Kind::Int32: return plain_numbers_of<Kind::Int32>(pen, plan);
    case Kind::Int64: return plain_numbers_of<Kind::Int64>(pen, plan);
    case Kind::Uint32: return plain_numbers_of<Kind::Uint32>(pen, plan);
    case Kind::Uint64: return plain_numbers_of<Kind::Uint64>(pen, plan);
    case Kind::Sint32: return plain_numbers_of<Kind::Sint32>(pen, plan);
    case Kind::Sint64: return plain_numbers_of<Kind::Sint64>(pen, plan);
    case Kind::Fixed32: return plain_numbers_of<Kind::Fixed32>(pen, plan);
    case Kind::Fixed64: return plain_numbers_of<Kind::Fixed64>(pen, plan);
    case Kind::Sfixed32: return plain_numbers_of<Kind::Sfixed32>(pen, plan);
    case Kind::Sfixed64: return plain_numbers_of<Kind::Sfixed64>(pen, plan);
    default: return plain_numbers_of<Kind::Bool>(pen, plan);
  }
}

// Packed numbers. When more of the same field follow, the list stays open for them.
PARLEY_INLINE bool JsonWriter::plain_packed(Pen& pen, WriteFrame& frame, const FieldPlan& plan) {
  uint64_t size = 0;
  pen.in = read_varint(pen.in, pen.end, size);
  if (pen.in == nullptr || size > pen.left()) return malformed(kNoMessage);
  const char* const end = std::exchange(pen.end, pen.in + size);
  *pen.at++ = '[';
  pen = plain_numbers(pen, plan);
  if (pen.in == nullptr) return false;
  pen.end = end;
  uint64_t tag = 0;
  if (pen.in != end && read_varint(pen.in, end, tag) && tag >> 3 == plan.number()) [[unlikely]] {
    frame.open = &plan;
    frame.first_element = size == 0;
    pen.at -= size == 0 ? 0 : 1;
    ++indent_;
  } else if (size == 0) {
    *pen.at++ = ']';
  } else {
    pen.at[-1] = ']';
  }
  return true;
}

PARLEY_INLINE bool JsonWriter::plain_strings(Pen& pen, const FieldPlan& plan) {
  *pen.at++ = '[';
  for (;;) {
    if (!plain_string(pen)) return false;
    const char* const tag_at = pen.in;
    uint64_t tag = 0;
    pen.in = read_varint(tag_at, pen.end, tag);
    if (pen.in == nullptr || tag != plan.quick_tag || pen.in - tag_at > kTagMax) {
      pen.in = tag_at;
      break;
    }
    pen.at = plain_room(pen.at, kValueTextMax);
    *pen.at++ = ',';
  }
  *pen.at++ = ']';
  return true;
}

PARLEY_INLINE bool JsonWriter::plain_value(Pen& pen, WriteFrame& frame, const FieldPlan& plan) {
  switch (plan.quick) {
    case Quick::String: return plain_string(pen);
    case Quick::Number: return plain_number(pen, plan, plan.kind);
    case Quick::Time: return plain_time(pen, plan);
    case Quick::Packed: return plain_packed(pen, frame, plan);
    case Quick::Strings: return plain_strings(pen, plan);
    default: break;
  }
  return false;
}

// Opens the frame of a message; what is around it goes on behind it.
PARLEY_INLINE bool JsonWriter::plain_push(Pen& pen, WriteFrame& frame, const FieldPlan& plan) {
  uint64_t size = 0;
  pen.in = read_varint(pen.in, pen.end, size);
  if (pen.in == nullptr || size > pen.left()) return malformed(kNoMessage);
  const std::string_view content(pen.in, size);
  pen.in += size;
  plain_leave(pen, frame, &plan + 1);
  return push(plan.message(), content, false, 0);
}

// The first message of a list, or a single one.
PARLEY_INLINE bool JsonWriter::plain_open(Pen& pen, WriteFrame& frame, const FieldPlan& plan) {
  if (plan.quick == Quick::Messages) {
    *pen.at++ = '[';
    ++indent_;
    frame.open = &plan;
    frame.first_element = false;
  }
  return plain_push(pen, frame, plan);
}

PARLEY_INLINE void JsonWriter::plain_close(Pen& pen, WriteFrame& frame) {
  out_.advance(pen.at);
  end_repeated(frame);
  pen.at = out_.at();
}

// Puts everything back into the frame, and takes it out again.
PARLEY_INLINE void JsonWriter::plain_leave(const Pen& pen, WriteFrame& frame,
                                           const FieldPlan* next) {
  frame.reader = WireReader({pen.in, pen.left()});
  frame.next = static_cast<uint32_t>(next - frame.program->fields().data());
  frame.first = pen.comma == 0;
  out_.advance(pen.at);
}

PARLEY_INLINE JsonWriter::Pen JsonWriter::plain_enter(const WriteFrame& frame,
                                                      const FieldPlan*& next) const {
  next = frame.program->fields().data() + frame.next;
  return {.in = frame.reader.position(),
          .end = frame.reader.end(),
          .at = out_.at(),
          .comma = frame.first ? 0u : 1u};
}

// As fields(), for an object in ProtoJSON's own forms: the most frequent kinds of fields, with all
// that they need in registers. The rest is left to one_field().
bool JsonWriter::plain_fields(WriteFrame& frame) {
  const Program& program = *frame.program;
  const FieldPlan* next = nullptr;  // the one that is expected
  Pen pen = plain_enter(frame, next);
  while (pen.in != pen.end) {
    const char* const tag_at = pen.in;
    uint64_t tag = 0;
    pen.in = read_varint(pen.in, pen.end, tag);
    if (pen.in == nullptr || pen.in - tag_at > kTagMax) return malformed(kNoMessage);
    if (frame.open) [[unlikely]] {
      if (tag == frame.open->quick_tag && frame.open->quick == Quick::Messages) {
        pen.at = plain_room(pen.at, 1);
        *pen.at++ = ',';
        return plain_push(pen, frame, *frame.open);
      }
      if (tag >> 3 != frame.open->number()) plain_close(pen, frame);
    }
    const FieldPlan* plan = next;
    if (tag != plan->quick_tag) plan = program.find(static_cast<uint32_t>(tag >> 3));
    const bool quick = plan && plan >= next && tag == plan->quick_tag &&
                       plan->quick != Quick::None && !frame.open &&
                       !(plan->quick == Quick::Packed && packs_nothing(pen.in, pen.end));
    if (quick) [[likely]] {
      frame.field = plan;
      plain_name(pen, program, *plan, next);
      if (plan->quick >= Quick::Message) return plain_open(pen, frame, *plan);
      next = plan + 1;
      if (!plain_value(pen, frame, *plan)) [[unlikely]]
        return false;
      continue;
    }
    const size_t depth = frames_.size();
    pen.in = tag_at;
    plain_leave(pen, frame, next);
    if (!one_field(frame)) return false;
    if (frames_.size() != depth) return true;  // `frame` may have moved
    pen = plain_enter(frame, next);
  }
  if (frame.open) plain_close(pen, frame);
  const FieldPlan* const last = program.fields().data() + program.fields().size();
  if (!options_.presence_set_only) plain_defaults(pen, program, *next, *last);
  plain_leave(pen, frame, last);
  return end_message(frame);
}

}  // namespace parley::wire
