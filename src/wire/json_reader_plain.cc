#include <bit>
#include <cstring>

#include "wire/json_reader.h"
#include "wire/json_string.h"
#include "wire/wide_text.h"

namespace parley::wire {
namespace {

constexpr size_t kValueRoom = 64;  // for a tag and any of the values below
constexpr int kPlainDigits = 18;   // of a number that surely fits 64 bits

PARLEY_INLINE const char* skip_space(const char* at, const char* end) {
  if (static_cast<uint8_t>(*at) > ' ') [[likely]]
    return at;
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
  return at;
}

// Whether the text at `at` begins with `key`, of which kWide bytes are readable as well.
PARLEY_INLINE bool begins_with(const char* at, std::string_view key) {
#ifdef __SSE2__
  if (key.size() > kWide) return std::memcmp(at, key.data(), key.size()) == 0;
  const auto same = [&](size_t from) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + from));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key.data() + from));
    return static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)));
  };
  const uint64_t equal = same(0) | uint64_t{same(16)} << 16;
  return (~equal & ((uint64_t{1} << key.size()) - 1)) == 0;
#else
  return std::memcmp(at, key.data(), key.size()) == 0;
#endif
}

// A whole number of digits alone. Null: there is none, or it has more than digits, or too many.
PARLEY_INLINE const char* read_digits(const char* at, bool& negative, uint64_t& magnitude) {
  negative = *at == '-';
  if (negative) ++at;
  const char* const start = at;
  magnitude = 0;
  for (unsigned digit = static_cast<uint8_t>(*at) - '0'; digit < 10;
       digit = static_cast<uint8_t>(*++at) - '0') {
    if (at - start == kPlainDigits) return nullptr;
    magnitude = magnitude * 10 + digit;
  }
  const bool plain =
      at > start && (*start != '0' || at == start + 1) && *at != '.' && (*at | 0x20) != 'e';
  return plain ? at : nullptr;
}

// The bits of such a number as `kind` has them on the wire, before the varint; false: it does not
// fit.
PARLEY_INLINE bool fits(Kind kind, bool negative, uint64_t magnitude, uint64_t& bits) {
  const auto value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  switch (kind) {
    case Kind::Int32:
    case Kind::Sint32:
    case Kind::Sfixed32:
      if (value != static_cast<int32_t>(value)) return false;
      bits = kind == Kind::Sint32 ? zigzag_encode(value) : static_cast<uint64_t>(value);
      return true;
    case Kind::Uint32:
    case Kind::Fixed32:
      bits = magnitude;
      return magnitude <= UINT32_MAX && (!negative || magnitude == 0);
    case Kind::Uint64:
    case Kind::Fixed64: bits = magnitude; return !negative || magnitude == 0;
    case Kind::Sint64: bits = zigzag_encode(value); return true;
    default: bits = static_cast<uint64_t>(value); return true;
  }
}

PARLEY_INLINE char* put_bits(char* out, WireType type, uint64_t bits) {
  if (type == WireType::Varint) return put_varint(out, bits);
  std::memcpy(out, &bits, sizeof bits);
  return out + (type == WireType::Fixed32 ? 4 : 8);
}

// Reads a number or a bool; null: whoever looks closer shall say what it is.
PARLEY_INLINE const char* read_number(const char* at, const char* end, Kind kind, uint64_t& bits) {
  if (kind == Kind::Bool) {
    bits = *at == 't' ? 1 : 0;
    if (std::memcmp(at, "true", 4) == 0) return at + 4;
    return std::memcmp(at, "false", 5) == 0 ? at + 5 : nullptr;
  }
  if (kind == Kind::Double) {
    double value = 0;
    if (at >= end || *at == '"' || read_double(at, end, value) != NumberProblem::None)
      return nullptr;
    bits = std::bit_cast<uint64_t>(value);
    return at;
  }
  if (kind == Kind::Float) return nullptr;
  const bool quoted = *at == '"';
  bool negative = false;
  uint64_t magnitude = 0;
  at = read_digits(at + (quoted ? 1 : 0), negative, magnitude);
  if (at == nullptr || !fits(kind, negative, magnitude, bits)) return nullptr;
  if (!quoted) return at;
  return *at == '"' ? at + 1 : nullptr;
}

// Copies a string of plain ASCII, of at most kWide bytes, behind its length of one byte. Null: it
// is none. `out` moves behind it.
PARLEY_INLINE const char* read_short_string(const char* at, char*& out) {
#ifdef __SSE2__
  if (*at != '"') return nullptr;
  ++at;
  const WideText wide(at);
  const uint32_t stops = wide.stops();
  const int size = std::countr_zero(stops);
  if (stops == 0 || at[size] != '"') return nullptr;
  *out++ = static_cast<char>(size);
  wide.store(out);
  out += size;
  return at + size + 1;
#else
  (void)at, (void)out;
  return nullptr;
#endif
}

}  // namespace

// Members that come in the order of the fields, with values that are numbers, bools or short
// strings. Stops before the first that is anything else: the slow way reads it, or says what is
// wrong with it.
void JsonReader::plain_members(JsonFrame& frame) {
  const FieldPlan* const plans = frame.program->fields().data();
  const FieldPlan* plan = plans + frame.next;
  const char* const end = cursor_.end();
  const char* at = cursor_.at();
  bool first = frame.first;
  for (; plan->quick == Quick::Number || plan->quick == Quick::String; ++plan) {
    const char* p = at;
    if (!first) {
      p = skip_space(p, end);
      if (*p != ',') break;
      ++p;
    }
    p = skip_space(p, end);
    if (!begins_with(p, plan->json_key)) break;
    p = skip_space(p + plan->json_key.size(), end);
    if (p >= end) break;
    uint64_t& seen = scratch_.seen[frame.seen + plan->index / 64u];
    const uint64_t bit = uint64_t{1} << plan->index % 64u;
    if (seen & bit) break;
    char* out = builder_.room(kValueRoom);
    std::memcpy(out, plan->tag_bytes, sizeof plan->tag_bytes);
    char* const value_at = out + plan->tag_size;
    char* value_end = value_at;
    uint64_t bits = 1;
    if (plan->quick == Quick::String) {
      p = read_short_string(p, value_end);
      if (p != nullptr && value_end == value_at + 1) bits = 0;
    } else {
      p = read_number(p, end, plan->kind, bits);
      value_end = put_bits(value_at, wire_type(plan->kind), bits);
    }
    if (p == nullptr || p > end) break;
    if (bits != 0 || plan->presence) builder_.advance(value_end);
    seen |= bit;
    at = p;
    first = false;
  }
  cursor_.move_to(at);
  frame.first = first;
  const auto next = static_cast<uint32_t>(plan - plans);
  if (next != frame.next) frame.field = plan - 1;
  frame.next = next;
}

// The same for the elements of a list.
void JsonReader::plain_elements(JsonFrame& frame) {
  const FieldPlan& plan = *frame.field;
  if (plan.quick != Quick::Packed && plan.quick != Quick::Strings) return;
  const char* const end = cursor_.end();
  const char* at = cursor_.at();
  bool first = frame.first;
  for (;;) {
    const char* p = at;
    if (!first) {
      p = skip_space(p, end);
      if (*p != ',') break;
      ++p;
    }
    p = skip_space(p, end);
    if (p >= end) break;
    char* out = builder_.room(kValueRoom);
    if (plan.quick == Quick::Strings) {
      std::memcpy(out, plan.tag_bytes, sizeof plan.tag_bytes);
      out += plan.tag_size;
      p = read_short_string(p, out);
    } else {
      uint64_t bits = 0;
      p = read_number(p, end, plan.kind, bits);
      out = put_bits(out, wire_type(plan.kind), bits);
    }
    if (p == nullptr || p > end) break;
    builder_.advance(out);
    ++frame.next;
    at = p;
    first = false;
  }
  cursor_.move_to(at);
  frame.first = first;
}

}  // namespace parley::wire
