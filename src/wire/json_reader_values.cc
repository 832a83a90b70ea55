#include <limits>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/utf8.h"
#include "wire/json_reader.h"

namespace parley::wire {

std::string_view expected_json(Kind kind) {
  switch (kind) {
    case Kind::Double:
    case Kind::Float: return "a number, \"NaN\", \"Infinity\" or \"-Infinity\"";
    case Kind::Int32:
    case Kind::Sint32:
    case Kind::Sfixed32: return "a whole number from -2147483648 to 2147483647";
    case Kind::Int64:
    case Kind::Sint64:
    case Kind::Sfixed64: return "a whole number from -2^63 to 2^63 - 1";
    case Kind::Uint32:
    case Kind::Fixed32: return "a whole number from 0 to 4294967295";
    case Kind::Uint64:
    case Kind::Fixed64: return "a whole number from 0 to 2^64 - 1";
    case Kind::Bool: return "true or false";
    case Kind::Enum: return "the name or number of an enum value";
    case Kind::NullValue: return "null";
    case Kind::String: return "a string";
    case Kind::Bytes: return "a string in base64";
    case Kind::Message:
    case Kind::Bare:
    case Kind::Any: return "an object";
    case Kind::Value: return "a JSON value";
    case Kind::Timestamp: return "a time such as \"2001-02-03T04:05:06Z\"";
    case Kind::Duration: return "seconds such as \"1.5s\"";
    case Kind::FieldMask: return "paths in lowerCamel, separated by commas";
  }
  return "a value";
}

std::string_view expected_element(const FieldPlan& plan) {
  const FieldPlan* of = &plan;
  while (of->kind == Kind::Bare) {
    of = &of->message().fields()[0];
    if (of->shape == Shape::List) return "an array";
    if (of->shape == Shape::Map) return "an object";
  }
  return expected_json(of->kind);
}

bool JsonReader::wanted(const FieldPlan& plan) {
  if (plan.shape == Shape::Map) return cursor_.fail("expected an object (a map)");
  if (plan.shape == Shape::List) return cursor_.fail("expected an array");
  return cursor_.fail(fmt::format("expected {}", expected_element(plan)));
}

bool JsonReader::wanted(Kind kind) {
  return cursor_.fail(fmt::format("expected {}", expected_json(kind)));
}

bool JsonReader::number_problem(Kind kind, NumberProblem problem) {
  if (problem == NumberProblem::Range)
    return cursor_.fail(fmt::format("out of range: expected {}", expected_json(kind)));
  return wanted(kind);
}

// Writes a field that is not repeated. Without presence its default is left out.
bool JsonReader::single(const FieldPlan& plan, uint64_t bound, uint8_t bound_depth) {
  if (is_message(plan.kind)) {
    put_tag(plan);
    return message(plan.message(), begin_message(plan), bound, bound_depth);
  }
  const WireBuilder::Mark mark = builder_.mark();
  put_tag(plan);
  const uint32_t start = builder_.size();
  const Outcome outcome = scalar(plan);
  if (outcome == Outcome::Failed) return false;
  if (outcome == Outcome::Skipped) {
    builder_.rewind(mark);
  } else if (!plan.presence) {
    // Only a default is all zeros: one byte of varint or length, four or eight of a fixed size.
    const uint32_t size = builder_.size() - start;
    uint64_t value = 0;
    if (size <= sizeof value) std::memcpy(&value, builder_.base() + start, size);
    if (size <= sizeof value && value == 0) builder_.rewind(mark);
  }
  return true;
}

// Behind the tag of a message: opens its length, and says what ends it.
JsonEnding JsonReader::begin_message(const FieldPlan& plan) {
  if (plan.group) return {.group = &plan};
  builder_.open();
  return {.inner = 1};
}

// Reads a message whose tag and open length have been written.
bool JsonReader::message(const Program& program, JsonEnding ending, uint64_t bound,
                         uint8_t bound_depth) {
  switch (program.kind()) {
    case Kind::Bare: return bare(program, ending);
    case Kind::Value: return dynamic_value(program, ending);
    case Kind::Any: return any(ending);
    case Kind::Timestamp:
    case Kind::Duration:
      if (!time(program.kind())) return false;
      end(ending);
      return true;
    case Kind::FieldMask:
      if (!field_mask()) return false;
      end(ending);
      return true;
    default: break;
  }
  if (cursor_.peek() != '{') [[unlikely]]
    return cursor_.fail("expected an object");
  JsonFrame* const frame = push(JsonFrame::Kind::Message, ending);
  if (frame == nullptr) return false;
  frame->program = &program;
  frame->bound = bound;
  frame->bound_depth = bound_depth;
  frame->seen = static_cast<uint32_t>(scratch_.seen.size());
  scratch_.seen.resize(frame->seen + program.seen_words());
  if (bound != 0) note_bound_members(*frame);
  return true;
}

// Struct, ListValue and the wrappers: the JSON of their only field.
bool JsonReader::bare(const Program& program, JsonEnding ending) {
  const FieldPlan& plan = program.fields()[0];
  if (plan.shape == Shape::Single) {
    if (!single(plan, 0, 0)) return false;
    end(ending);
    return true;
  }
  if (!field_value(plan, 0, 0)) return false;
  frames_.back().ending = ending;
  return true;
}

// google.protobuf.Value: any JSON, as the member of its oneof that fits.
bool JsonReader::dynamic_value(const Program& program, JsonEnding ending) {
  enum : size_t { Null, Number, String, Bool, Struct, List };
  const auto fields = program.fields();
  const char c = cursor_.peek();
  if (c == '{' || c == '[') {
    const FieldPlan& plan = fields[c == '{' ? Struct : List];
    put_tag(plan);
    JsonEnding inner = begin_message(plan);
    PARLEY_ASSERT(inner.group == nullptr);
    inner.inner = static_cast<uint8_t>(inner.inner + ending.inner);
    inner.group = ending.group;
    inner.outer = ending.outer;
    return bare(plan.message(), inner);
  }
  const bool number = c == '-' || (c >= '0' && c <= '9');
  const bool known = number || c == '"' || cursor_.at_literal("true") ||
                     cursor_.at_literal("false") || cursor_.at_literal("null");
  if (!known) return wanted(Kind::Value);
  const size_t member = c == '"' ? String : c == 't' || c == 'f' ? Bool : c == 'n' ? Null : Number;
  put_tag(fields[member]);
  if (scalar(fields[member]) != Outcome::Done) return false;
  end(ending);
  return true;
}

JsonReader::Outcome JsonReader::scalar(const FieldPlan& plan) {
  const auto outcome = [](bool ok) { return ok ? Outcome::Done : Outcome::Failed; };
  switch (plan.kind) {
    case Kind::Double:
    case Kind::Float: return outcome(floating(plan.kind));
    case Kind::Bool: return outcome(boolean());
    case Kind::Enum: return enumeration(plan);
    case Kind::NullValue: return outcome(null_value());
    case Kind::String: return outcome(string());
    case Kind::Bytes: return outcome(bytes());
    default: return outcome(integer(plan.kind));
  }
}

// The key of a map, which is always a string in JSON. False: no key of that kind.
bool JsonReader::scalar_text(Kind kind, std::string_view text) {
  if (kind == Kind::String) {
    builder_.varint(text.size());
    builder_.bytes(text);
    return true;
  }
  if (kind == Kind::Bool) {
    builder_.varint(text == "true" ? 1 : 0);
    return text == "true" || text == "false";
  }
  WholeNumber number;
  const char* at = text.data();
  const char* const end = at + text.size();
  return read_whole(at, end, number) == NumberProblem::None && at == end &&
         whole_to_wire(kind, number);
}

bool JsonReader::integer(Kind kind) {
  WholeNumber number;
  const char* at = cursor_.at();
  if (cursor_.peek() == '"') {
    std::string_view text;
    if (!cursor_.string(text, scratch_.text)) return false;
    const char* digits = text.data();
    NumberProblem problem = read_whole(digits, text.data() + text.size(), number);
    if (problem == NumberProblem::None && digits != text.data() + text.size())
      problem = NumberProblem::Syntax;
    if (problem == NumberProblem::None && whole_to_wire(kind, number)) return true;
    cursor_.move_to(at);
    return number_problem(kind, problem == NumberProblem::None ? NumberProblem::Range : problem);
  }
  at = cursor_.at();
  const NumberProblem problem = read_whole(at, cursor_.end(), number);
  if (problem != NumberProblem::None) [[unlikely]]
    return number_problem(kind, problem);
  if (!whole_to_wire(kind, number)) [[unlikely]]
    return number_problem(kind, NumberProblem::Range);
  cursor_.move_to(at);
  return true;
}

bool JsonReader::whole_to_wire(Kind kind, const WholeNumber& number) {
  switch (kind) {
    case Kind::Int32:
    case Kind::Sint32:
    case Kind::Sfixed32: {
      int32_t value = 0;
      if (!fits_int32(number, value)) return false;
      if (kind == Kind::Sfixed32) {
        put_fixed(value);
      } else {
        builder_.varint(kind == Kind::Int32 ? static_cast<uint64_t>(int64_t{value})
                                            : zigzag_encode(value));
      }
      return true;
    }
    case Kind::Int64:
    case Kind::Sint64:
    case Kind::Sfixed64: {
      int64_t value = 0;
      if (!fits_int64(number, value)) return false;
      if (kind == Kind::Sfixed64) {
        put_fixed(value);
      } else {
        builder_.varint(kind == Kind::Int64 ? static_cast<uint64_t>(value) : zigzag_encode(value));
      }
      return true;
    }
    case Kind::Uint32:
    case Kind::Fixed32: {
      uint32_t value = 0;
      if (!fits_uint32(number, value)) return false;
      if (kind == Kind::Fixed32) {
        put_fixed(value);
      } else {
        builder_.varint(value);
      }
      return true;
    }
    default: {
      uint64_t value = 0;
      if (!fits_uint64(number, value)) return false;
      if (kind == Kind::Fixed64) {
        put_fixed(value);
      } else {
        builder_.varint(value);
      }
      return true;
    }
  }
}

template <typename T>
NumberProblem JsonReader::read_floating(const char*& at, const char* end, T& value) {
  if constexpr (sizeof(T) == 8) {
    return read_double(at, end, value);
  } else {
    return read_float(at, end, value);
  }
}

bool JsonReader::floating(Kind kind) {
  return kind == Kind::Double ? floating_as<double>(kind) : floating_as<float>(kind);
}

template <typename T>
bool JsonReader::floating_as(Kind kind) {
  T value = 0;
  if (cursor_.peek() == '"') {
    const char* const start = cursor_.at();
    std::string_view text;
    if (!cursor_.string(text, scratch_.text)) return false;
    const char* digits = text.data();
    const char* const end = digits + text.size();
    NumberProblem problem = NumberProblem::None;
    if (text == "NaN") {
      value = std::numeric_limits<T>::quiet_NaN();
    } else if (text == "Infinity" || text == "-Infinity") {
      value =
          text[0] == '-' ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
    } else {
      problem = read_floating(digits, end, value);
      if (problem == NumberProblem::None && digits != end) problem = NumberProblem::Syntax;
    }
    if (problem != NumberProblem::None) {
      cursor_.move_to(start);
      return number_problem(kind, problem);
    }
  } else {
    const char* at = cursor_.at();
    const NumberProblem problem = read_floating(at, cursor_.end(), value);
    if (problem != NumberProblem::None) [[unlikely]]
      return number_problem(kind, problem);
    cursor_.move_to(at);
  }
  put_fixed(value);
  return true;
}

bool JsonReader::boolean() {
  const char c = cursor_.peek();
  if (!cursor_.literal(c == 't' ? "true" : "false")) return wanted(Kind::Bool);
  builder_.varint(c == 't' ? 1 : 0);
  return true;
}

bool JsonReader::null_value() {
  const char c = cursor_.peek();
  const char* const start = cursor_.at();
  if (c == 'n') {
    if (!cursor_.literal("null")) return wanted(Kind::NullValue);
  } else if (c == '"') {
    std::string_view text;
    if (!cursor_.string(text, scratch_.text)) return false;
    if (text != "NULL_VALUE") return cursor_.fail(start, "expected null");
  } else {
    WholeNumber number;
    const char* at = start;
    if (read_whole(at, cursor_.end(), number) != NumberProblem::None || number.magnitude != 0)
      return wanted(Kind::NullValue);
    cursor_.move_to(at);
  }
  builder_.varint(0);
  return true;
}

JsonReader::Outcome JsonReader::enumeration(const FieldPlan& plan) {
  const contract::Enum& type = *plan.field->enumeration;
  const contract::EnumValue* known = nullptr;
  const char* const start = (cursor_.peek(), cursor_.at());
  int32_t number = 0;
  if (*start == '"' && start < cursor_.end()) {
    std::string_view name;
    if (!cursor_.string(name, scratch_.text)) return Outcome::Failed;
    known = type.find(name);
    if (known) number = known->number;
  } else {
    WholeNumber whole;
    const char* at = start;
    const NumberProblem problem = read_whole(at, cursor_.end(), whole);
    if (problem != NumberProblem::None || !fits_int32(whole, number)) {
      number_problem(Kind::Enum, problem);
      return Outcome::Failed;
    }
    cursor_.move_to(at);
    known = type.find(number);
  }
  const bool open_number = *start != '"' && !type.closed;
  if (known == nullptr && !open_number) {
    if (options_.ignore_unknown) return Outcome::Skipped;
    cursor_.fail(start, fmt::format("{} has no such value", type.full_name));
    return Outcome::Failed;
  }
  builder_.varint(static_cast<uint64_t>(int64_t{number}));
  return Outcome::Done;
}

bool JsonReader::string() {
  if (cursor_.peek() != '"') [[unlikely]]
    return wanted(Kind::String);
  const char* const start = cursor_.at() + 1;
  bool high = false;
  const char* const stop = long_plain_end(start, cursor_.end(), high);
  if (stop < cursor_.end() && *stop == '\\') return escaped_string(start, stop);
  std::string_view text;
  if (stop >= cursor_.end() || *stop != '"') return cursor_.string(text, scratch_.text);
  text = {start, static_cast<size_t>(stop - start)};
  if (high && !utf8_valid(text)) [[unlikely]]
    return cursor_.fail_utf8(start, stop);
  constexpr size_t kShort = 32;
  char* to = builder_.room(text.size() + kVarintMax);
  to = put_varint(to, text.size());
  if (text.size() <= kShort) {
    std::memcpy(to, start, kShort);  // both sides have that much, whatever it holds
  } else {
    std::memcpy(to, start, text.size());
  }
  builder_.advance(to + text.size());
  cursor_.move_to(stop + 1);
  return true;
}

// A string from `start` whose first backslash is at `at`: unescaped straight into the output.
bool JsonReader::escaped_string(const char* start, const char* at) {
  constexpr size_t kChunk = 4096;
  builder_.open();
  const uint32_t content = builder_.size();
  const char* const end = cursor_.end();
  builder_.bytes({start, static_cast<size_t>(at - start)});
  do {
    char* to = builder_.room(kChunk + kUnescapeBeyond);
    const EscapeProblem problem = unescape(at, end, to, to + kChunk);
    if (problem != EscapeProblem::None) return cursor_.fail_escape(at, problem);
    builder_.advance(to);
  } while (at < end && *at != '"' && static_cast<uint8_t>(*at) >= 0x20);
  if (at >= end || *at != '"') return cursor_.fail_string(at);
  if (!utf8_valid({builder_.base() + content, builder_.size() - content}))
    return cursor_.fail_utf8(start, at);
  builder_.close();
  cursor_.move_to(at + 1);
  return true;
}

bool JsonReader::bytes() {
  if (cursor_.peek() != '"') return wanted(Kind::Bytes);
  const char* const start = cursor_.at();
  std::string_view text;
  if (!cursor_.string(text, scratch_.text)) return false;
  std::string_view digits = text;
  if (digits.size() % 4 == 0 && digits.ends_with('='))
    digits.remove_suffix(digits.ends_with("==") ? 2 : 1);
  const size_t rest = digits.size() % 4;
  const size_t size = digits.size() / 4 * 3 + (rest > 1 ? rest - 1 : 0);
  char* to = put_varint(builder_.room(text.size() + kVarintMax), size);
  const auto decoded = base64_decode(text, Base64::Either, to);
  if (!decoded) return cursor_.fail(start, fmt::format("expected {}", expected_json(Kind::Bytes)));
  PARLEY_ASSERT(*decoded == size);
  builder_.advance(to + size);
  return true;
}

// The two fields that Timestamp and Duration share; zeros are left out.
void JsonReader::put_time(const TimeParts& time) {
  if (time.seconds != 0) {
    builder_.varint(make_tag(1, WireType::Varint));
    builder_.varint(static_cast<uint64_t>(time.seconds));
  }
  if (time.nanos != 0) {
    builder_.varint(make_tag(2, WireType::Varint));
    builder_.varint(static_cast<uint64_t>(int64_t{time.nanos}));
  }
}

bool JsonReader::time(Kind kind) {
  if (cursor_.peek() != '"') return wanted(kind);
  const char* const start = cursor_.at();
  std::string_view text;
  if (!cursor_.string(text, scratch_.text)) return false;
  TimeParts time;
  const bool ok = kind == Kind::Timestamp ? read_timestamp(text, time) : read_duration(text, time);
  if (!ok) return cursor_.fail(start, fmt::format("expected {}", expected_json(kind)));
  put_time(time);
  return true;
}

bool JsonReader::field_mask() {
  if (cursor_.peek() != '"') return wanted(Kind::FieldMask);
  const char* const start = cursor_.at();
  std::string_view text;
  if (!cursor_.string(text, scratch_.text)) return false;
  if (text.empty()) return true;
  std::string& path = scratch_.path;
  for (size_t from = 0; from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    if (!mask_path_from_json(text.substr(from, comma - from), path))
      return cursor_.fail(start, fmt::format("expected {}", expected_json(Kind::FieldMask)));
    builder_.varint(make_tag(1, WireType::Length));
    builder_.varint(path.size());
    builder_.bytes(path);
    from = comma + 1;
  }
  return true;
}

}  // namespace parley::wire
