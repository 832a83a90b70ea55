#include "wire/json_reader.h"

#include <fmt/format.h>

namespace parley::wire {

JsonReader::JsonReader(std::string_view json, const JsonReadOptions& options, ByteBuffer& out,
                       JsonReaderScratch& scratch)
    : cursor_(json),
      options_(options),
      builder_(out, scratch.prefixes),
      scratch_(scratch),
      frames_(scratch.frames),
      any_scan_left_(json.size() * kAnyScanFactor + kAnyScanFree) {
  frames_.clear();
  scratch_.seen.clear();
  scratch_.unknown.clear();
  scratch_.unknown_names.clear();
}

Result<void> JsonReader::read_message(const Program& program) {
  any_types_ = &program.programs();
  return complete(message(program, {}, all_bound(), 0) && run() && cursor_.end_of_text());
}

Result<void> JsonReader::read_field(const Program& parent, const FieldPlan& plan) {
  any_types_ = &parent.programs();
  root_field_ = &plan;
  int leaf = -1;
  const uint64_t bound = bound_inside(plan, all_bound(), 0, leaf);
  const bool ok = is_null(plan) ? null(plan) : field_value(plan, bound, 1) && run();
  return complete(ok && cursor_.end_of_text());
}

Result<void> JsonReader::complete(bool ok) {
  if (!ok) [[unlikely]] {
    Failure why = failure();
    builder_.abandon();
    return why;
  }
  builder_.finish();
  return {};
}

bool JsonReader::run() {
  while (!frames_.empty()) {
    JsonFrame& frame = frames_.back();
    bool ok = false;
    switch (frame.kind) {
      case JsonFrame::Kind::Message: ok = members(frame); break;
      case JsonFrame::Kind::List: ok = elements(frame); break;
      case JsonFrame::Kind::Map: ok = entries(frame); break;
      case JsonFrame::Kind::AnyValue: ok = any_members(frame); break;
    }
    if (!ok) [[unlikely]]
      return false;
  }
  return true;
}

// Opens a frame; nullptr when it would be nested too deeply. The cursor is at its bracket.
JsonFrame* JsonReader::push(JsonFrame::Kind kind, JsonEnding ending) {
  if (frames_.size() >= options_.depth_left()) [[unlikely]] {
    cursor_.fail_depth();
    return nullptr;
  }
  cursor_.advance();
  JsonFrame& frame = frames_.emplace_back();
  frame.kind = kind;
  frame.ending = ending;
  return &frame;
}

void JsonReader::end(const JsonEnding& ending) {
  for (unsigned i = 0; i < ending.inner; ++i) builder_.close();
  if (ending.group) builder_.varint(make_tag(ending.group->number(), WireType::End));
  for (unsigned i = 0; i < ending.outer; ++i) builder_.close();
}

void JsonReader::pop() {
  end(frames_.back().ending);
  frames_.pop_back();
}

// Between two values: passes the comma, or notes that the closing bracket has been passed.
bool JsonReader::separator(JsonFrame& frame, char close, bool& ended) {
  const char c = cursor_.peek();
  ended = c == close;
  if (ended) {
    cursor_.advance();
    return true;
  }
  if (frame.first) {
    frame.first = false;
    return true;
  }
  if (c != ',') [[unlikely]]
    return cursor_.fail(close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
  cursor_.advance();
  return true;
}

// Reads members until the message ends, or until one opens a frame of its own.
bool JsonReader::members(JsonFrame& frame) {
  const size_t depth = frames_.size();
  for (;;) {
    if (frame.bound == 0) plain_members(frame);
    bool ended = false;
    if (!separator(frame, '}', ended)) return false;
    if (ended) return end_message(frame);
    frame.field = nullptr;
    if (cursor_.peek() != '"') [[unlikely]]
      return cursor_.fail("expected a field name in quotes");
    const char* const name_at = cursor_.at();
    const FieldPlan* const plan = member_name(frame);
    if (plan == nullptr) {
      if (cursor_.failed()) return false;
      if (frames_.size() != depth) return true;
      continue;
    }
    frame.field = plan;
    frame.next = plan->index + 1u;
    if (!member_value(frame, *plan, name_at)) return false;
    if (frames_.size() != depth) return true;  // `frame` may have moved
  }
}

// Reads a name and its colon. nullptr: a problem, or a member that no field stands for, which has
// been passed over, or entered.
const FieldPlan* JsonReader::member_name(JsonFrame& frame) {
  const auto fields = frame.program->fields();
  const char* const at = cursor_.at();
  if (frame.next < fields.size()) {
    const std::string_view key = fields[frame.next].json_key;
    const size_t quoted = key.size() - 1;
    if (static_cast<size_t>(cursor_.end() - at) > quoted &&
        std::memcmp(at, key.data(), quoted) == 0) [[likely]] {
      cursor_.move_to(at + quoted);
      return colon_behind(frame, fields[frame.next]);
    }
  }
  std::string_view name;
  if (!cursor_.string(name, scratch_.text)) return nullptr;
  const FieldPlan* const plan = frame.program->find(name);
  if (plan == nullptr) {
    unknown_member(frame, name, at);
    return nullptr;
  }
  return colon_behind(frame, *plan);
}

const FieldPlan* JsonReader::colon_behind(JsonFrame& frame, const FieldPlan& plan) {
  if (cursor_.expect(':', "expected ':'")) [[likely]]
    return &plan;
  frame.field = &plan;
  return nullptr;
}

bool JsonReader::unknown_member(JsonFrame& frame, std::string_view name, const char* at) {
  const contract::Message& type = frame.program->message();
  if (frame.any && name == "@type") return any_type_member(frame, at);
  if (frame.any && name == "value" && type.well_known == contract::WellKnown::Empty)
    return any_value_member(frame, at) && message(*frame.program, {}, 0, 0);
  if (options_.ignore_unknown) return skip_unknown(frame, name, at);
  return fail_unknown(at, name, fmt::format("{} has no such field", type.full_name));
}

bool JsonReader::fail_unknown(const char* at, std::string_view name, std::string problem) {
  unknown_name_ = name_in_path(name);
  return cursor_.fail(at, std::move(problem));
}

// Passes over a member whose name, read at `at`, nobody knows.
bool JsonReader::skip_unknown(JsonFrame& frame, std::string_view name, const char* at) {
  if (frame.unknown == 0) frame.unknown = ++unknown_messages_;
  std::string& names = scratch_.unknown_names;
  const size_t start = names.size();
  names.append(reinterpret_cast<const char*>(&frame.unknown), sizeof frame.unknown);
  names += name;
  if (!scratch_.unknown.add(names.data(), start, names.size() - start))
    return fail_unknown(at, name, "the field is given twice: expected it once");
  return skip_member(name, options_.depth_left() - static_cast<uint32_t>(frames_.size()));
}

// Passes over the colon and the value of the member `name`.
bool JsonReader::skip_member(std::string_view name, uint32_t depth) {
  const bool colon = cursor_.expect(':', "expected ':'");
  if (colon && scratch_.skipper.skip(cursor_, depth)) return true;
  unknown_name_ = name_in_path(name);
  if (colon) scratch_.skipper.append_path(unknown_name_);
  return false;
}

// Whether `null` follows that says "absent": Value and NullValue have a null of their own.
bool JsonReader::is_null(const FieldPlan& plan) {
  return cursor_.peek() == 'n' && (plan.shape != Shape::Single ||
                                   (plan.kind != Kind::Value && plan.kind != Kind::NullValue));
}

bool JsonReader::null(const FieldPlan& plan) { return cursor_.literal("null") || wanted(plan); }

bool JsonReader::note_seen(JsonFrame& frame, const FieldPlan& plan, const char* at) {
  uint64_t& word = scratch_.seen[frame.seen + plan.index / 64u];
  const uint64_t bit = uint64_t{1} << plan.index % 64u;
  if (word & bit) [[unlikely]]
    return cursor_.fail(at, "the field is given twice: expected it once");
  word |= bit;
  return true;
}

bool JsonReader::note_oneof(JsonFrame& frame, const FieldPlan& plan, const char* at) {
  uint64_t& word = scratch_.seen[frame.seen + plan.oneof_bit / 64u];
  const uint64_t bit = uint64_t{1} << plan.oneof_bit % 64u;
  if (word & bit) [[unlikely]]
    return cursor_.fail(at, fmt::format("a second member of the oneof \"{}\": expected one",
                                        plan.field->oneof->name));
  word |= bit;
  return true;
}

// The value of a member whose name has been read. `null` is as if it were not there.
bool JsonReader::member_value(JsonFrame& frame, const FieldPlan& plan, const char* name_at) {
  if (!note_seen(frame, plan, name_at)) return false;
  if (is_null(plan)) {
    if (plan.field->required && cursor_.at_literal("null"))
      return cursor_.fail(
          fmt::format("null for a required field: expected {}", expected_element(plan)));
    return null(plan);
  }
  uint64_t inside = 0;
  if (frame.bound != 0) [[unlikely]] {
    int leaf = -1;
    inside = bound_inside(plan, frame.bound, frame.bound_depth, leaf);
    if (leaf >= 0) return bound_leaf(plan, options_.bound[static_cast<size_t>(leaf)]);
  }
  if (plan.oneof_bit != 0 && inside == 0 && !note_oneof(frame, plan, name_at)) return false;
  return field_value(plan, inside, static_cast<uint8_t>(frame.bound_depth + 1));
}

// Writes the field with its tag, or opens the frame that will.
bool JsonReader::field_value(const FieldPlan& plan, uint64_t bound, uint8_t bound_depth) {
  if (plan.shape == Shape::Single) return single(plan, bound, bound_depth);
  const bool map = plan.shape == Shape::Map;
  if (cursor_.peek() != (map ? '{' : '[')) [[unlikely]]
    return wanted(plan);
  JsonFrame* const frame = push(map ? JsonFrame::Kind::Map : JsonFrame::Kind::List, {});
  if (frame == nullptr) return false;
  open_repeated(*frame, plan);
  return true;
}

// Prepares a frame for the elements of a list or the entries of a map.
void JsonReader::open_repeated(JsonFrame& frame, const FieldPlan& plan) {
  frame.field = &plan;
  if (plan.shape == Shape::Map) {
    frame.seen = maps_open_++;
    if (scratch_.key_sets.size() < maps_open_) scratch_.key_sets.emplace_back();
    scratch_.key_sets[frame.seen].clear();
  } else if (plan.packed && cursor_.peek() != ']') {
    put_tag(plan);
    builder_.open();
    ++frame.ending.inner;
  }
}

// What begins as null cannot be an element of that field.
bool JsonReader::null_inside(const FieldPlan& plan, std::string_view what) {
  const std::string_view expected = expected_element(plan);
  if (!cursor_.at_literal("null")) return cursor_.fail(fmt::format("expected {}", expected));
  return cursor_.fail(fmt::format("null in {}: expected {}", what, expected));
}

bool JsonReader::elements(JsonFrame& frame) {
  const FieldPlan& plan = *frame.field;
  const size_t depth = frames_.size();
  for (;;) {
    if (plan.quick != Quick::None) plain_elements(frame);
    bool ended = false;
    if (!separator(frame, ']', ended)) return false;
    if (ended) break;
    ++frame.next;
    if (cursor_.peek() == 'n' && plan.kind != Kind::Value && plan.kind != Kind::NullValue)
        [[unlikely]]
      return null_inside(plan, "a list");
    if (is_message(plan.kind)) {
      put_tag(plan);
      if (!message(plan.message(), begin_message(plan), 0, 0)) return false;
      if (frames_.size() != depth) return true;
      continue;
    }
    const WireBuilder::Mark mark = builder_.mark();
    if (!plan.packed) put_tag(plan);
    const Outcome outcome = scalar(plan);
    if (outcome == Outcome::Failed) return false;
    if (outcome == Outcome::Skipped) builder_.rewind(mark);
  }
  pop();
  return true;
}

bool JsonReader::entries(JsonFrame& frame) {
  const FieldPlan& key = frame.field->message().fields()[0];
  const FieldPlan& value = frame.field->message().fields()[1];
  const size_t depth = frames_.size();
  for (;;) {
    bool ended = false;
    if (!separator(frame, '}', ended)) return false;
    if (ended) break;
    const WireBuilder::Mark mark = builder_.mark();
    put_tag(*frame.field);
    builder_.open();
    if (!entry_key(frame, key) || !entry_value(value, mark)) return false;
    if (frames_.size() != depth) return true;
  }
  --maps_open_;
  pop();
  return true;
}

// Reads a key and its colon, and writes it.
bool JsonReader::entry_key(JsonFrame& frame, const FieldPlan& key) {
  frame.key = {};
  if (cursor_.peek() != '"') [[unlikely]]
    return cursor_.fail("expected a key in quotes");
  const char* const at = cursor_.at();
  std::string_view name;
  if (!cursor_.string(name, scratch_.text)) return false;
  frame.key = {at + 1, static_cast<size_t>(cursor_.at() - at - 2)};
  put_tag(key);
  const uint32_t start = builder_.size();
  if (!scalar_text(key.kind, name))
    return cursor_.fail(at, fmt::format("expected a key that is {}", expected_json(key.kind)));
  KeySet& keys = scratch_.key_sets[frame.seen];
  if (!keys.add(builder_.base(), start, builder_.size() - start))
    return cursor_.fail(at, "the key is given twice: expected it once");
  return cursor_.expect(':', "expected ':'");
}

// The value of an entry whose key has been written; `mark` is before the entry.
bool JsonReader::entry_value(const FieldPlan& value, const WireBuilder::Mark& mark) {
  if (is_null(value)) [[unlikely]]
    return null_inside(value, "a map");
  put_tag(value);
  if (is_message(value.kind)) {
    JsonEnding ending = begin_message(value);
    ending.outer = 1;
    return message(value.message(), ending, 0, 0);
  }
  const Outcome outcome = scalar(value);
  if (outcome == Outcome::Failed) return false;
  if (outcome == Outcome::Skipped) {
    builder_.rewind(mark);
  } else {
    builder_.close();
  }
  return true;
}

bool JsonReader::end_message(JsonFrame& frame) {
  for (const uint16_t index : frame.program->required()) {
    if (scratch_.seen[frame.seen + index / 64u] >> index % 64u & 1) continue;
    const FieldPlan& plan = frame.program->fields()[index];
    int leaf = -1;
    if (bound_inside(plan, frame.bound, frame.bound_depth, leaf) != 0 || leaf >= 0) continue;
    frame.field = nullptr;
    unknown_name_ = plan.path_name();
    return cursor_.fail(cursor_.at() - 1, "a required field is missing");
  }
  scratch_.seen.resize(frame.seen);
  pop();
  return true;
}

}  // namespace parley::wire
