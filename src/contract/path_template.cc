#include "contract/path_template.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/percent.h"
#include "base/utf8.h"

namespace parley::contract {
namespace {

bool ident_start(char c) { return ascii_alpha(c) || c == '_'; }
bool ident_rest(char c) { return ident_start(c) || ascii_digit(c); }

// pchar of RFC 3986, 3.3, without pct-encoded.
bool path_char(char c) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:@";
  return ascii_alpha(c) || ascii_digit(c) || kMarks.find(c) != std::string_view::npos;
}

// What can never be a segment of a request's path.
std::string_view unmatchable(std::string_view decoded) {
  if (decoded == "." || decoded == "..") return "a segment \".\" or \"..\" matches no path";
  if (decoded.find('\0') != std::string_view::npos) return "%00 matches no path";
  if (!utf8_valid(decoded)) return "the escapes are not UTF-8";
  return {};
}

// One pass over the text, from the left; `at_` is the next character.
class Parser {
 public:
  Parser(std::string_view text, Arena& arena) : text_(text), arena_(arena) {}

  Result<PathTemplate> parse() {
    if (text_.size() > PathTemplate::kBytesMax)
      return fail(fmt::format("longer than {} bytes", PathTemplate::kBytesMax), 0);
    if (!eat('/')) return fail("a template begins with '/'");
    find_verb();
    TRY_VOID(parse_segments(true));
    if (at_ < end_) return fail(fmt::format("unexpected {}", quoted(text_[at_])));
    TRY_VOID(check_rest());
    TRY(verb, parse_verb());
    return PathTemplate{text_, kept(segments_, segment_count_), kept(variables_, variable_count_),
                        verb};
  }

 private:
  static std::string quoted(char c) {
    return c >= 0x20 && c < 0x7F ? fmt::format("'{}'", c)
                                 : fmt::format("byte 0x{:02X}", static_cast<unsigned char>(c));
  }

  Failure fail(std::string_view what) const { return fail(what, at_); }
  Failure fail(std::string_view what, size_t at) const {
    return Failure(Code::InvalidArgument, fmt::format("column {}: {}", at + 1, what));
  }

  template <typename T, size_t kSize>
  std::span<const T> kept(const std::array<T, kSize>& all, size_t count) {
    if (count == 0) return {};
    auto* const to = static_cast<T*>(arena_.allocate(count * sizeof(T)));
    std::uninitialized_copy_n(all.begin(), count, to);
    return {to, count};
  }

  void add_segment(PathTemplate::Kind kind, std::string_view literal = {}) {
    segments_[segment_count_++] = {kind, literal};
  }

  bool eat(char c) {
    if (at_ >= end_ || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // The verb follows the last colon of the last segment, outside of braces: until there `end_`.
  void find_verb() {
    const size_t colon = text_.rfind(':');
    if (colon == std::string_view::npos) return;
    if (text_.find_first_of("/}", colon) == std::string_view::npos) end_ = colon;
  }

  Result<void> parse_segments(bool variables_allowed) {
    do {
      if (segment_count_ >= PathTemplate::kSegmentsMax)
        return fail(fmt::format("more than {} segments", PathTemplate::kSegmentsMax));
      const bool variable = at_ < end_ && text_[at_] == '{';
      if (variable && !variables_allowed) return fail("variables do not nest");
      TRY_VOID(variable ? parse_variable() : parse_segment());
    } while (eat('/'));
    return {};
  }

  Result<void> parse_segment() {
    const size_t start = at_;
    if (eat('*')) {
      const bool rest = eat('*');
      if (at_ < end_ && text_[at_] != '/' && text_[at_] != '}')
        return fail("a wildcard stands alone in its segment; write %2A for a literal '*'");
      if (rest) rest_starts_.push_back(start);
      add_segment(rest ? PathTemplate::Kind::Rest : PathTemplate::Kind::Any);
      return {};
    }
    return parse_literal();
  }

  Result<void> parse_literal() {
    const size_t start = at_;
    while (at_ < end_ && text_[at_] != '/' && text_[at_] != '{' && text_[at_] != '}') {
      TRY_VOID(check_literal_char());
      ++at_;
    }
    if (at_ == start) return fail("an empty segment");
    if (at_ < end_ && text_[at_] == '{')
      return fail("a variable stands alone in its segment; put '/' before '{'");
    std::string_view literal = text_.substr(start, at_ - start);
    if (literal.find('%') != std::string_view::npos)
      literal = arena_.copy(percent_decode(literal).value_or(""));
    if (const auto why = unmatchable(literal); !why.empty()) return fail(why, start);
    add_segment(PathTemplate::Kind::Literal, literal);
    return {};
  }

  Result<void> check_literal_char() const {
    const char c = text_[at_];
    if (c == '*')
      return fail("a wildcard stands alone in its segment; write %2A for a literal '*'");
    if (c == '?' || c == '#') return fail(fmt::format("{} ends a path", quoted(c)));
    if (c == '%') {
      const bool escape =
          at_ + 2 < end_ && hex_digit(text_[at_ + 1]) >= 0 && hex_digit(text_[at_ + 2]) >= 0;
      if (!escape) return fail("'%' without two hexadecimal digits");
    } else if (!path_char(c)) {
      return fail(fmt::format("{} must be percent-encoded", quoted(c)));
    }
    return {};
  }

  // REQUIRES: at '{'.
  Result<void> parse_variable() {
    if (variable_count_ >= PathTemplate::kVariablesMax)
      return fail(fmt::format("more than {} variables", PathTemplate::kVariablesMax));
    const size_t start = at_++;
    TRY(field_path, parse_field_path());
    const auto first = static_cast<uint16_t>(segment_count_);
    if (eat('='))
      TRY_VOID(parse_segments(false));
    else
      add_segment(PathTemplate::Kind::Any);
    if (at_ >= end_) return fail("'{' without '}'", start);
    if (!eat('}')) return fail(fmt::format("expected '}}', found {}", quoted(text_[at_])));
    if (at_ < end_ && text_[at_] != '/') return fail("after '}' comes '/', ':' or the end");
    const auto last = static_cast<uint16_t>(segment_count_);
    const bool multi = last - first > 1 || segments_[first].kind == PathTemplate::Kind::Rest;
    variables_[variable_count_++] = {field_path, first, last, multi};
    return {};
  }

  // FieldPath = IDENT { "." IDENT } ;
  Result<std::string_view> parse_field_path() {
    const size_t start = at_;
    do {
      if (at_ >= end_ || !ident_start(text_[at_])) return fail("expected a field's name");
      while (at_ < end_ && ident_rest(text_[at_])) ++at_;
    } while (eat('.'));
    return text_.substr(start, at_ - start);
  }

  Result<void> check_rest() const {
    for (const size_t start : rest_starts_) {
      if (start != rest_starts_.front()) return fail("a second '**'", start);
      if (segments_[segment_count_ - 1].kind != PathTemplate::Kind::Rest)
        return fail("'**' is not the last segment", start);
    }
    return {};
  }

  // Verb = ":" LITERAL, compared as it stands in the path: no escapes.
  Result<std::string_view> parse_verb() {
    if (end_ == text_.size()) return std::string_view();
    at_ = std::exchange(end_, text_.size()) + 1;
    if (at_ == end_) return fail("a verb follows ':'");
    for (size_t at = at_; at < end_; ++at) {
      const char c = text_[at];
      if (c == '%') return fail("a verb has no escapes", at);
      if (!path_char(c) || c == '*') return fail(fmt::format("{} in a verb", quoted(c)), at);
    }
    return text_.substr(at_);
  }

  const std::string_view text_;
  Arena& arena_;
  size_t at_ = 0;
  size_t end_ = text_.size();  // of the segments
  std::vector<size_t> rest_starts_;
  std::array<PathTemplate::Segment, PathTemplate::kSegmentsMax> segments_;
  std::array<PathTemplate::Variable, PathTemplate::kVariablesMax> variables_;
  size_t segment_count_ = 0;
  size_t variable_count_ = 0;
};

}  // namespace

Result<PathTemplate> PathTemplate::parse(std::string_view text, Arena& arena) {
  return Parser(text, arena).parse();
}

std::string PathTemplate::shape() const {
  std::string out;
  for (const Segment& segment : segments) {
    out += '/';
    switch (segment.kind) {
      case Kind::Literal: out += percent_encode(segment.literal); break;
      case Kind::Any: out += '*'; break;
      case Kind::Rest: out += "**"; break;
    }
  }
  if (!verb.empty()) out.append(1, ':').append(verb);
  return out;
}

}  // namespace parley::contract
