#include "wire/json_skipper.h"

#include <fmt/format.h>

#include "wire/number_text.h"

namespace parley::wire {

bool JsonSkipper::skip(JsonCursor& cursor, uint32_t depth) {
  levels_.clear();
  names_.clear();
  objects_ = 0;
  for (;;) {
    const char c = cursor.peek();
    if (c == '{' || c == '[') {
      if (levels_.size() >= depth) return cursor.fail_depth();
      cursor.advance();
      open(c == '{');
    } else if (!scalar(cursor)) {
      return false;
    }
    // Behind all that ends here, to the next value.
    for (bool ended = true; ended;) {
      if (levels_.empty()) return true;
      if (!next(cursor, ended)) return false;
    }
  }
}

void JsonSkipper::open(bool object) {
  levels_.push_back({.object = object, .names = static_cast<uint32_t>(names_.size())});
  if (!object) return;
  if (sets_.size() == objects_) sets_.emplace_back();
  sets_[objects_++].clear();
}

void JsonSkipper::close() {
  names_.resize(levels_.back().names);
  if (levels_.back().object) --objects_;
  levels_.pop_back();
}

// Behind a bracket or a value: passes the end of the innermost level, or what stands before its
// next value.
bool JsonSkipper::next(JsonCursor& cursor, bool& ended) {
  Level& level = levels_.back();
  const char c = cursor.peek();
  ended = c == (level.object ? '}' : ']');
  if (ended) {
    cursor.advance();
    close();
    return true;
  }
  if (level.count > 0) {
    if (c != ',') return cursor.fail(level.object ? "expected ',' or '}'" : "expected ',' or ']'");
    cursor.advance();
  }
  ++level.count;
  return !level.object || key(cursor);
}

bool JsonSkipper::key(JsonCursor& cursor) {
  Level& level = levels_.back();
  level.key_passed = false;
  if (cursor.peek() != '"') return cursor.fail("expected a name in quotes");
  const char* const start = cursor.at();
  std::string_view text;
  if (!cursor.string(text, text_)) return false;
  level.key = static_cast<uint32_t>(names_.size());
  level.key_passed = true;
  names_ += text;
  if (!sets_[objects_ - 1].add(names_.data(), level.key, text.size()))
    return cursor.fail(start, "the key is given twice: expected it once");
  return cursor.expect(':', "expected ':'");
}

bool JsonSkipper::scalar(JsonCursor& cursor) {
  const char c = cursor.peek();
  std::string_view text;
  if (c == '"') return cursor.string(text, text_);
  if (cursor.literal(c == 't' ? "true" : c == 'f' ? "false" : "null")) return true;
  const char* const number = number_end(cursor.at(), cursor.end());
  if (number == nullptr) return cursor.fail("expected a JSON value");
  cursor.move_to(number);
  return true;
}

void JsonSkipper::append_path(std::string& path) const {
  for (size_t i = 0; i < levels_.size(); ++i) {
    const Level& level = levels_[i];
    if (!level.object) {
      path += fmt::format("[{}]", level.count == 0 ? 0 : level.count - 1);
    } else if (level.key_passed) {
      // The current key is the last one before those of the next level.
      const size_t end = i + 1 < levels_.size() ? levels_[i + 1].names : names_.size();
      path += '.';
      path += name_in_path(std::string_view(names_).substr(level.key, end - level.key));
    }
  }
}

size_t JsonSkipper::retained() const {
  size_t bytes = levels_.capacity() * sizeof(Level) + names_.capacity() + text_.capacity();
  for (const KeySet& keys : sets_) bytes += sizeof keys + keys.retained();
  return bytes;
}

}  // namespace parley::wire
