#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/failure.h"
#include "wire/json_string.h"

namespace parley::wire {

// Walks over JSON text (RFC 8259), strictly. The first problem is kept; every later answer is then
// false. The text has 64 readable bytes after its end.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text)
      : begin_(text.data()), end_(text.data() + text.size()), at_(begin_) {}

  // The next character that is no white space, where the cursor then stands; '\0' at the end.
  char peek() {
    if (at_ < end_ && static_cast<uint8_t>(*at_) > ' ') [[likely]]
      return *at_;
    return peek_slow();
  }
  void advance() { ++at_; }

  // Passes `c`, else it is the problem that `expected` is not there.
  bool expect(char c, const char* expected) {
    if (peek() != c) [[unlikely]]
      return fail(std::string(expected));
    ++at_;
    return true;
  }

  // Reads the string at the cursor. The text lies in the input, or, when there were escapes, in
  // `scratch`. Checked as UTF-8.
  bool string(std::string_view& text, std::string& scratch);

  // Whether `word`, which is true, false or null, is at the cursor; literal() passes it then, and
  // notes no problem otherwise.
  bool at_literal(std::string_view word) const {
    return static_cast<size_t>(end_ - at_) >= word.size() &&
           std::string_view(at_, word.size()) == word;
  }
  bool literal(std::string_view word) {
    if (!at_literal(word)) return false;
    at_ += word.size();
    return true;
  }

  // Only white space is left.
  bool end_of_text();

  const char* at() const { return at_; }
  const char* begin() const { return begin_; }
  const char* end() const { return end_; }
  void move_to(const char* at) { at_ = at; }

  // Notes the problem, at the cursor or at `at`: "a string" for "expected a string".
  bool fail(std::string problem) { return fail(at_, std::move(problem)); }
  bool fail(const char* at, std::string problem);
  // Notes the problem that the text is nested too deeply here.
  bool fail_depth();
  // Notes the problem of an escape, of a string that ends at `at` without a quote, of the text from
  // `start` to `end` that is not UTF-8.
  bool fail_escape(const char* escape, EscapeProblem problem);
  bool fail_string(const char* at);
  bool fail_utf8(const char* start, const char* end);
  // Notes the problem of another cursor over the same text.
  bool fail_as(const JsonCursor& other);
  bool too_deep() const { return too_deep_; }
  bool failed() const { return problem_at_ != nullptr; }
  const std::string& problem() const { return problem_; }

  // "line 3, column 14 (byte 71)": columns count characters from 1, bytes from 0.
  std::string place_of_problem() const;

 private:
  char peek_slow();
  bool unescape(const char* start, std::string_view& text, std::string& scratch);

  const char* const begin_;
  const char* const end_;
  const char* at_;
  const char* problem_at_ = nullptr;
  std::string problem_;
  bool too_deep_ = false;
};

}  // namespace parley::wire
