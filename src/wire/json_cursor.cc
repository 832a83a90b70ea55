#include "wire/json_cursor.h"

#include <fmt/format.h>

#include "base/utf8.h"

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
  if (at_ >= end_ || *at_ != '"') return fail_string(at_);
  text = {start, static_cast<size_t>(at_ - start)};
  ++at_;
  if (!high || utf8_valid(text)) [[likely]]
    return true;
  return fail_utf8(start, at_ - 1);
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
    if (problem != EscapeProblem::None) return fail_escape(escape, problem);
    scratch.append(utf8, to);
    const char* const run = at_;
    at_ = long_plain_end(at_, end_, high);
    if (at_ > end_) break;
    scratch.append(run, at_);
  }
  if (at_ >= end_ || *at_ != '"') return fail_string(at_);
  ++at_;
  text = scratch;
  return utf8_valid(text) || fail_utf8(start, at_ - 1);
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

bool JsonCursor::fail_escape(const char* escape, EscapeProblem problem) {
  if (problem == EscapeProblem::LoneSurrogate)
    return fail(escape, "a lone surrogate: expected a pair");
  return fail(escape,
              "an unknown escape: expected one of \"\\/bfnrt, or u and 4 hexadecimal digits");
}

bool JsonCursor::fail_string(const char* at) {
  if (at >= end_) return fail(end_, "the string has no end: expected '\"'");
  return fail(at, "a control character in a string: expected an escape");
}

// Escapes are ASCII, which stands alone in UTF-8: what is wrong without them is wrong with them.
bool JsonCursor::fail_utf8(const char* start, const char* end) {
  const std::string_view text(start, static_cast<size_t>(end - start));
  return fail(start + utf8_valid_prefix(text), "invalid UTF-8: expected a character");
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
