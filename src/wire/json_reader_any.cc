#include <fmt/format.h>

#include "wire/json_reader.h"

namespace parley::wire {

// google.protobuf.Any: {"@type": URL, members of that type}, or {"@type": URL, "value": JSON} where
// the type has a JSON form of its own. `{}` is an empty Any.
bool JsonReader::any(JsonEnding ending) {
  if (cursor_.peek() != '{') return wanted(Kind::Any);
  AnyType type;
  if (!find_type(type)) return false;
  if (type.at == nullptr) {
    end(ending);
    return true;
  }
  const Program* const program = resolve_type(type);
  if (cursor_.failed()) return false;
  builder_.varint(make_tag(1, WireType::Length));
  builder_.varint(type.url.size());
  builder_.bytes(type.url);
  if (program == nullptr) return push(JsonFrame::Kind::AnyValue, ending) != nullptr;
  builder_.varint(make_tag(2, WireType::Length));
  builder_.open();
  ++ending.inner;
  if (program->kind() == Kind::Message) {
    if (!message(*program, ending, 0, 0)) return false;
    frames_.back().any = true;
    return true;
  }
  JsonFrame* const frame = push(JsonFrame::Kind::AnyValue, ending);
  if (frame == nullptr) return false;
  frame->program = program;
  return true;
}

// Reads "@type", wherever in the object it stands; the cursor then is at the object again, or
// behind it when it is empty.
bool JsonReader::find_type(AnyType& type) {
  const char* const start = cursor_.at();
  cursor_.advance();
  if (cursor_.peek() == '}') {
    cursor_.advance();
    return true;
  }
  for (;;) {
    if (cursor_.peek() != '"') return cursor_.fail("expected a field name in quotes");
    std::string_view name;
    if (!cursor_.string(name, scratch_.text)) return false;
    if (name == "@type") break;
    if (!skip_member(name, options_.depth_left())) return false;
    if (cursor_.peek() == '}') return cursor_.fail(start, "an Any without \"@type\"");
    if (!cursor_.expect(',', "expected ',' or '}'")) return false;
  }
  if (!cursor_.expect(':', "expected ':'")) return false;
  cursor_.peek();
  type.at = cursor_.at();
  if (!cursor_.string(type.url, scratch_.text)) return false;
  const auto passed = static_cast<size_t>(cursor_.at() - start);
  if (passed > any_scan_left_)
    return cursor_.fail(start, "too many Any inside of each other: put \"@type\" first");
  any_scan_left_ -= passed;
  cursor_.move_to(start);
  return true;
}

// Null: nobody knows the type, which is a failure, or is read as base64.
const Program* JsonReader::resolve_type(const AnyType& type) {
  const size_t slash = type.url.rfind('/');
  const Program* program = nullptr;
  if (slash != std::string_view::npos) program = any_types_->find(type.url.substr(slash + 1));
  const bool as_base64 = slash != std::string_view::npos && options_.unknown_any_as_base64;
  if (program == nullptr && !as_base64)
    cursor_.fail(type.at, fmt::format("an Any of the type \"{}\", which the contract does not have",
                                      type.url));
  return program;
}

// "@type" among the members: it has been read before, so that only a second one matters.
bool JsonReader::any_type_member(JsonFrame& frame, const char* at) {
  if (frame.type_seen) return cursor_.fail(at, "\"@type\" is given twice: expected it once");
  frame.type_seen = true;
  std::string_view type_url;
  return cursor_.expect(':', "expected ':'") && cursor_.string(type_url, scratch_.text);
}

// Passes the colon behind "value".
bool JsonReader::any_value_member(JsonFrame& frame, const char* at) {
  if (frame.value_seen) return cursor_.fail(at, "\"value\" is given twice: expected it once");
  frame.value_seen = true;
  return cursor_.expect(':', "expected ':'");
}

bool JsonReader::any_members(JsonFrame& frame) {
  const size_t depth = frames_.size();
  for (;;) {
    bool ended = false;
    if (!separator(frame, '}', ended)) return false;
    if (ended) break;
    if (cursor_.peek() != '"') return cursor_.fail("expected \"value\"");
    const char* const at = cursor_.at();
    std::string_view name;
    if (!cursor_.string(name, scratch_.text)) return false;
    if (name == "@type") {
      if (!any_type_member(frame, at)) return false;
      continue;
    }
    if (name != "value") {
      if (!options_.ignore_unknown) return fail_unknown(at, name, "expected \"value\"");
      if (!skip_unknown(frame, name, at)) return false;
      continue;
    }
    if (!any_value_member(frame, at)) return false;
    if (frame.program == nullptr) {
      builder_.varint(make_tag(2, WireType::Length));
      if (!bytes()) return false;
      continue;
    }
    if (!message(*frame.program, {}, 0, 0)) return false;
    if (frames_.size() != depth) return true;
  }
  if (!frame.value_seen) return cursor_.fail(cursor_.at() - 1, "expected \"value\"");
  pop();
  return true;
}

}  // namespace parley::wire
