#include "wire/text_to_wire.h"

#include <limits>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/assert.h"
#include "base/base64.h"
#include "base/utf8.h"
#include "wire/json_reader.h"
#include "wire/json_to_wire.h"
#include "wire/number_text.h"
#include "wire/well_known_text.h"
#include "wire/wire_writer.h"

namespace parley::wire {
namespace {

// Reads one value. Functions answer whether the text was right; if not, nothing has been written.
class TextReader {
 public:
  TextReader(std::string_view text, const TextOptions& options, ByteBuffer& out)
      : text_(text), options_(options), out_(out) {}

  Result<void> read(const Program& parent, const FieldPlan& plan);

 private:
  Result<void> read_message(const Program& parent, const FieldPlan& plan);
  bool scalar(const FieldPlan& plan);
  bool whole(const FieldPlan& plan);
  bool floating(const FieldPlan& plan);
  bool boolean(const FieldPlan& plan);
  bool enumeration(const FieldPlan& plan);
  bool bytes(const FieldPlan& plan);
  bool wrapper(const FieldPlan& plan);
  bool time(const FieldPlan& plan);
  Result<void> json(const Program& parent, const FieldPlan& plan);
  Result<void> field_mask(const FieldPlan& plan);
  bool mask_path(std::string_view path, std::string& to);

  void tag(const FieldPlan& plan) { append_varint(out_, plan.tag); }
  void varint(const FieldPlan& plan, uint64_t value) {
    tag(plan);
    append_varint(out_, value);
  }
  template <typename T>
  void fixed(const FieldPlan& plan, T value) {
    tag(plan);
    char little[sizeof value];
    std::memcpy(little, &value, sizeof value);
    out_.append({little, sizeof little});
  }
  void content(const FieldPlan& plan, std::string_view wire) {
    append_field(out_, *plan.field, wire);
  }

  Failure failure(std::string what) const {
    std::string message = what;
    if (!options_.name.empty()) message = fmt::format("{}: {}", options_.name, what);
    Failure failure(options_.reason, std::move(message));
    failure.violation(std::string(options_.name), std::move(what));
    return failure;
  }

  const std::string_view text_;
  const TextOptions& options_;
  ByteBuffer& out_;
};

std::string_view expected_text(Kind kind) {
  switch (kind) {
    case Kind::Double:
    case Kind::Float: return "a number, NaN, Infinity or -Infinity";
    case Kind::Bool: return "true, false, 1 or 0";
    case Kind::Enum: return "the name or number of an enum value";
    case Kind::String: return "UTF-8";
    case Kind::Bytes: return "base64";
    case Kind::Timestamp: return "a time such as 2001-02-03T04:05:06Z";
    case Kind::Duration: return "seconds such as 1.5s";
    default: return expected_json(kind);
  }
}

Result<void> TextReader::read(const Program& parent, const FieldPlan& plan) {
  if (plan.shape == Shape::Map) return failure("a map cannot be given as one text");
  if (is_message(plan.kind)) return read_message(parent, plan);
  if (scalar(plan)) return {};
  return failure(fmt::format("expected {}", expected_text(plan.kind)));
}

Result<void> TextReader::read_message(const Program& parent, const FieldPlan& plan) {
  switch (plan.kind) {
    case Kind::Timestamp:
    case Kind::Duration:
      if (time(plan)) return {};
      return failure(fmt::format("expected {}", expected_text(plan.kind)));
    case Kind::FieldMask: return field_mask(plan);
    case Kind::Value: return json(parent, plan);
    case Kind::Bare: {
      const FieldPlan& inner = plan.message().fields()[0];
      if (inner.shape != Shape::Single) return json(parent, plan);
      if (wrapper(plan)) return {};
      return failure(fmt::format("expected {}", expected_text(inner.kind)));
    }
    default: break;
  }
  return failure("a message cannot be given as one text: name a field of it");
}

bool TextReader::scalar(const FieldPlan& plan) {
  switch (plan.kind) {
    case Kind::Double:
    case Kind::Float: return floating(plan);
    case Kind::Bool: return boolean(plan);
    case Kind::Enum: return enumeration(plan);
    case Kind::NullValue:
      if (text_ != "null" && text_ != "NULL_VALUE" && text_ != "0") return false;
      varint(plan, 0);
      return true;
    case Kind::String:
      if (!utf8_valid(text_)) return false;
      content(plan, text_);
      return true;
    case Kind::Bytes: return bytes(plan);
    default: return whole(plan);
  }
}

// Decimal digits, with a minus or not.
std::optional<WholeNumber> read_decimal(std::string_view text) {
  WholeNumber number;
  number.negative = text.starts_with('-');
  if (number.negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  for (const char c : text) {
    if (!ascii_digit(c) ||
        __builtin_mul_overflow(number.magnitude, uint64_t{10}, &number.magnitude) ||
        __builtin_add_overflow(number.magnitude, static_cast<uint64_t>(c - '0'), &number.magnitude))
      return std::nullopt;
  }
  return number;
}

bool TextReader::whole(const FieldPlan& plan) {
  const auto number = read_decimal(text_);
  if (!number) return false;
  int32_t i32 = 0;
  int64_t i64 = 0;
  uint32_t u32 = 0;
  uint64_t u64 = 0;
  switch (plan.kind) {
    case Kind::Int32:
    case Kind::Sint32:
    case Kind::Sfixed32:
      if (!fits_int32(*number, i32)) return false;
      break;
    case Kind::Int64:
    case Kind::Sint64:
    case Kind::Sfixed64:
      if (!fits_int64(*number, i64)) return false;
      break;
    case Kind::Uint32:
    case Kind::Fixed32:
      if (!fits_uint32(*number, u32)) return false;
      break;
    default:
      if (!fits_uint64(*number, u64)) return false;
      break;
  }
  switch (plan.kind) {
    case Kind::Int32: varint(plan, static_cast<uint64_t>(int64_t{i32})); break;
    case Kind::Sint32: varint(plan, zigzag_encode(i32)); break;
    case Kind::Sfixed32: fixed(plan, i32); break;
    case Kind::Int64: varint(plan, static_cast<uint64_t>(i64)); break;
    case Kind::Sint64: varint(plan, zigzag_encode(i64)); break;
    case Kind::Sfixed64: fixed(plan, i64); break;
    case Kind::Uint32: varint(plan, u32); break;
    case Kind::Fixed32: fixed(plan, u32); break;
    case Kind::Fixed64: fixed(plan, u64); break;
    default: varint(plan, u64); break;
  }
  return true;
}

template <typename T>
bool read_floating_text(std::string_view text, T& value) {
  if (text == "NaN") {
    value = std::numeric_limits<T>::quiet_NaN();
    return true;
  }
  if (text == "Infinity" || text == "-Infinity") {
    value = std::numeric_limits<T>::infinity() * (text[0] == '-' ? T{-1} : T{1});
    return true;
  }
  const char* at = text.data();
  const char* const end = at + text.size();
  NumberProblem problem = NumberProblem::None;
  if constexpr (sizeof(T) == sizeof(double)) {
    problem = read_double(at, end, value);
  } else {
    problem = read_float(at, end, value);
  }
  return problem == NumberProblem::None && at == end;
}

bool TextReader::floating(const FieldPlan& plan) {
  if (plan.kind == Kind::Double) {
    double value = 0;
    if (!read_floating_text(text_, value)) return false;
    fixed(plan, value);
  } else {
    float value = 0;
    if (!read_floating_text(text_, value)) return false;
    fixed(plan, value);
  }
  return true;
}

bool TextReader::boolean(const FieldPlan& plan) {
  const bool yes = text_ == "1" || ascii_equal(text_, "true");
  if (!yes && text_ != "0" && !ascii_equal(text_, "false")) return false;
  varint(plan, yes ? 1 : 0);
  return true;
}

bool TextReader::enumeration(const FieldPlan& plan) {
  const contract::Enum& type = *plan.field->enumeration;
  const contract::EnumValue* known = type.find(text_);
  int32_t number = known ? known->number : 0;
  if (!known) {
    const auto decimal = read_decimal(text_);
    if (!decimal || !fits_int32(*decimal, number)) return false;
    if (type.closed && type.find(number) == nullptr) return false;
  }
  varint(plan, static_cast<uint64_t>(int64_t{number}));
  return true;
}

bool TextReader::bytes(const FieldPlan& plan) {
  const auto decoded = base64_decode(text_, Base64::Either);
  if (!decoded) return false;
  content(plan, *decoded);
  return true;
}

// A wrapper's only field has no presence: its default is left out, as the JSON reader does.
bool TextReader::wrapper(const FieldPlan& plan) {
  const FieldPlan& inner = plan.message().fields()[0];
  ByteBuffer value;
  if (!TextReader(text_, options_, value).scalar(inner)) return false;
  const std::string_view bits = value.view().substr(varint_size(inner.tag));
  const bool is_default = bits.find_first_not_of('\0') == std::string_view::npos;
  content(plan, is_default ? std::string_view() : value.view());
  return true;
}

bool TextReader::time(const FieldPlan& plan) {
  TimeParts time;
  const bool timestamp = plan.kind == Kind::Timestamp;
  if (timestamp ? !read_timestamp(text_, time) : !read_duration(text_, time)) return false;
  ByteBuffer parts;
  if (time.seconds != 0) append_varint_field(parts, 1, static_cast<uint64_t>(time.seconds));
  if (time.nanos != 0) append_varint_field(parts, 2, static_cast<uint64_t>(int64_t{time.nanos}));
  content(plan, parts.view());
  return true;
}

// Struct, Value, ListValue. Of a repeated field the text is one element, which is the JSON of a
// list with just that.
Result<void> TextReader::json(const Program& parent, const FieldPlan& plan) {
  const bool list = plan.shape == Shape::List;
  ByteBuffer text;
  if (list) text.append('[');
  text.append(text_);
  if (list) text.append(']');
  const Bytes padded = text.take();
  JsonReadOptions options = options_.json;
  if (list && options.depth_used > 0) --options.depth_used;  // the list's own bracket is no level
  auto done = json_to_wire_field(parent, *plan.field, padded.view(), options, out_);
  if (done) return {};
  Failure refused = failure(done.error().violations().front().description);
  if (!done.error().limit_name().empty()) refused.with_limit(options.depth_limit);
  return refused;
}

Result<void> TextReader::field_mask(const FieldPlan& plan) {
  ByteBuffer paths;
  std::string path;
  for (size_t from = 0; from <= text_.size() && !text_.empty();) {
    const size_t comma = std::min(text_.find(',', from), text_.size());
    const std::string_view one = text_.substr(from, comma - from);
    if (!utf8_valid(one)) return failure("expected UTF-8");
    if (!mask_path(one, path))
      return failure(fmt::format(
          "\"{}\" is no path of {}", one,
          options_.mask_target ? options_.mask_target->full_name : std::string_view("a message")));
    append_bytes_field(paths, 1, path);
    from = comma + 1;
  }
  content(plan, paths.view());
  return {};
}

// One path in declared names. Below lists, maps and well-known types segments are kept as they are.
bool TextReader::mask_path(std::string_view path, std::string& to) {
  to.clear();
  const contract::Message* message = options_.mask_target;
  const bool resolve = message != nullptr;
  for (size_t from = 0; from <= path.size();) {
    const size_t dot = std::min(path.find('.', from), path.size());
    const std::string_view segment = path.substr(from, dot - from);
    if (segment.empty()) return false;
    if (from > 0) to += '.';
    const contract::Field* const field = message ? message->find_any(segment) : nullptr;
    if (segment == "*" || (resolve && message == nullptr)) {
      to += segment;
    } else if (!resolve) {
      for (const char c : segment) {
        if (c >= 'A' && c <= 'Z') to += '_';
        to += ascii_lower(c);
      }
    } else if (field == nullptr) {
      return false;
    } else {
      to += field->name;
    }
    const bool nested = field && field->message && !field->repeated && !field->map &&
                        field->message->well_known == contract::WellKnown::None;
    if (field && !nested && !field->message && !field->repeated && dot < path.size()) return false;
    message = nested ? field->message : nullptr;
    from = dot + 1;
  }
  return true;
}

}  // namespace

Result<void> text_to_wire(const Programs& programs, const contract::Field& field,
                          std::string_view text, const TextOptions& options, ByteBuffer& out) {
  const Program& parent = programs.of(*field.parent);
  const FieldPlan* const plan = parent.find(field);
  PARLEY_ASSERT(plan != nullptr);
  return TextReader(text, options, out).read(parent, *plan);
}

}  // namespace parley::wire
