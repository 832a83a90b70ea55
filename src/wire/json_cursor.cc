#include "wire/json_cursor.h"

#include <fmt/format.h>

#include "base/utf8.h"
#include "wire/key_set.h"
#include "wire/number_text.h"

namespace parley::wire {

char JsonCursor::peek_slow() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  return at_ < end_ ? *at_ : '\0';
}

bool JsonCursor::string(std::string_view& text, std::string& scratch) {
  if (peek() != '"') return fail("expected a string");
  const char* const start = ++at_;
  bool high = false;
  at_ = long_plain_end(at_, end_, high);
  if (at_ < end_ && *at_ == '\\') return unescape(start, text, scratch);
  if (at_ >= end_ || *at_ != '"') return string_problem(at_);
  text = {start, static_cast<size_t>(at_ - start)};
  ++at_;
  if (!high || utf8_valid(text)) [[likely]]
    return true;
  return fail(start + utf8_valid_prefix(text), "invalid UTF-8");
}

// The cursor is at the first backslash of the string that began at `start`.
bool JsonCursor::unescape(const char* start, std::string_view& text, std::string& scratch) {
  scratch.assign(start, at_);
  bool high = false;
  while (at_ < end_ && *at_ == '\\') {
    const char* const escape = at_++;
    char utf8[4];
    char* to = utf8;
    const EscapeProblem problem = read_json_escape(at_, end_, to);
    if (problem == EscapeProblem::LoneSurrogate) return fail(escape, "a lone surrogate");
    if (problem != EscapeProblem::None) return fail(escape, "an unknown escape");
    scratch.append(utf8, to);
    const char* const run = at_;
    at_ = long_plain_end(at_, end_, high);
    if (at_ > end_) break;
    scratch.append(run, at_);
  }
  if (at_ >= end_ || *at_ != '"') return string_problem(at_);
  ++at_;
  text = scratch;
  if (utf8_valid(text)) return true;
  return fail(start, "invalid UTF-8 in this string");
}

bool JsonCursor::string_problem(const char* at) {
  if (at >= end_) return fail(end_, "the string has no end");
  return fail(at, "a control character in a string");
}

bool JsonCursor::literal(std::string_view word) {
  if (static_cast<size_t>(end_ - at_) < word.size() || std::string_view(at_, word.size()) != word)
    return fail("expected a JSON value");
  at_ += word.size();
  return true;
}

bool JsonCursor::skip_scalar() {
  std::string_view text;
  std::string scratch;
  switch (peek()) {
    case '"': return string(text, scratch);
    case 't': return literal("true");
    case 'f': return literal("false");
    case 'n': return literal("null");
    default: break;
  }
  const char* const number = number_end(at_, end_);
  if (number == nullptr) return fail("expected a JSON value");
  at_ = number;
  return true;
}

// Of the objects that are open while a value is passed over.
struct PassedKeys {
  std::vector<KeySet> sets;  // the innermost last
  std::string names;         // of all objects so far
};

bool JsonCursor::skip_value(uint32_t depth) {
  std::string open;  // the brackets, the innermost last
  PassedKeys keys;
  for (;;) {
    const char c = peek();
    if (c == '{' || c == '[') {
      if (open.size() == depth) return fail_depth();
      ++at_;
      open += c;
      if (peek() == (c == '{' ? '}' : ']')) {
        ++at_;
        open.pop_back();
      } else if (c == '{') {
        keys.sets.emplace_back();
        if (!skip_key(keys)) return false;
        continue;
      } else {
        continue;
      }
    } else if (!skip_scalar()) {
      return false;
    }
    // Behind a value: close what ends here, then on to the next.
    for (;;) {
      if (open.empty()) return true;
      const bool object = open.back() == '{';
      const char next = peek();
      if (next == ',') {
        ++at_;
        if (object && !skip_key(keys)) return false;
        break;
      }
      if (next != (object ? '}' : ']'))
        return fail(object ? "expected ',' or '}'" : "expected ',' or ']'");
      ++at_;
      open.pop_back();
      if (object) keys.sets.pop_back();
    }
  }
}

bool JsonCursor::skip_key(PassedKeys& keys) {
  std::string_view text;
  std::string scratch;
  if (peek() != '"') return fail("expected a name in quotes");
  const char* const start = at_;
  if (!string(text, scratch)) return false;
  const size_t offset = keys.names.size();
  keys.names += text;
  if (!keys.sets.back().add(keys.names.data(), offset, text.size()))
    return fail(start, "the key is given twice");
  return expect(':', "expected ':'");
}

bool JsonCursor::end_of_text() {
  return peek() == '\0' && at_ == end_ ? true : fail("expected the end of the text");
}

bool JsonCursor::fail(const char* at, std::string problem) {
  if (problem_at_ == nullptr) {
    problem_at_ = at < end_ ? at : end_;
    problem_ = std::move(problem);
  }
  return false;
}

bool JsonCursor::fail_depth() {
  if (problem_at_ == nullptr) too_deep_ = true;
  return fail("nested too deeply");
}

bool JsonCursor::fail_as(const JsonCursor& other) {
  if (problem_at_ == nullptr) too_deep_ = other.too_deep_;
  return fail(other.problem_at_, other.problem_);
}

std::string JsonCursor::place_of_problem() const {
  size_t line = 1;
  size_t column = 1;
  for (const char* p = begin_; p < problem_at_; ++p) {
    if (*p == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<uint8_t>(*p) & 0xC0) != 0x80) {
      ++column;
    }
  }
  return fmt::format("line {}, column {} (byte {})", line, column, problem_at_ - begin_);
}

}  // namespace parley::wire
