#include "door/request_path.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/percent.h"
#include "base/utf8.h"

namespace parley::door {
namespace {

// What a byte of a path is. Others than visible ASCII must be escaped (RFC 3986, 3.3).
enum class Kind : uint8_t { Plain, Slash, Colon, Percent, Bad };

constexpr std::array<Kind, 256> make_kinds() {
  std::array<Kind, 256> kinds{};
  for (size_t c = 0; c < kinds.size(); ++c) {
    if (c <= 0x20 || c >= 0x7F || c == '#') kinds[c] = Kind::Bad;
  }
  kinds['/'] = Kind::Slash;
  kinds[':'] = Kind::Colon;
  kinds['%'] = Kind::Percent;
  return kinds;
}
constexpr std::array<Kind, 256> kKinds = make_kinds();

Failure invalid(std::string what) { return Failure(Reason::PathInvalid, std::move(what)); }

// "." or "..", with dots as such or as %2E.
bool is_dot_segment(std::string_view segment) {
  size_t dots = 0;
  while (!segment.empty() && dots <= 2) {
    const bool escaped = segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' &&
                         ascii_lower(segment[2]) == 'e';
    if (segment[0] != '.' && !escaped) return false;
    segment.remove_prefix(escaped ? 3 : 1);
    ++dots;
  }
  return dots == 1 || dots == 2;
}

Failure dot_segment() { return invalid("a segment of the path is \".\" or \"..\""); }

Failure must_be_escaped(char c) {
  return invalid(fmt::format("byte 0x{:02X} of the path must be percent-encoded",
                             static_cast<unsigned char>(c)));
}

}  // namespace

Result<RequestPath> RequestPath::parse(std::string_view raw) {
  RequestPath path;
  path.raw_ = raw;
  if (raw.empty() || raw[0] != '/') return invalid("the path does not begin with '/'");
  if (raw.size() == 1) return path;
  bool beyond_ascii = false;
  size_t begin = 1;
  size_t colon = 0;
  for (size_t at = 1; at < raw.size(); ++at) {
    switch (kKinds[static_cast<unsigned char>(raw[at])]) {
      case Kind::Plain: break;
      case Kind::Colon: colon = at; break;
      case Kind::Slash:
        TRY_VOID(path.end_segment(begin, at));
        begin = at + 1;
        break;
      case Kind::Percent:
        TRY_VOID(path.check_escape(at));
        beyond_ascii |= hex_digit(raw[at + 1]) >= 8;
        at += 2;
        break;
      case Kind::Bad: return must_be_escaped(raw[at]);
    }
  }
  TRY_VOID(path.end_segment(begin, raw.size()));
  if (beyond_ascii && !utf8_valid(*percent_decode(raw)))
    return invalid("the escapes of the path are not UTF-8");
  if (colon > begin) TRY_VOID(path.take_verb(begin, colon));
  return path;
}

// "shelf:cancel" is "shelf" with the verb "cancel".
Result<void> RequestPath::take_verb(size_t begin, size_t colon) {
  verb_ = raw_.substr(colon + 1);
  if (!verb_.empty() && is_dot_segment(raw_.substr(begin, colon - begin))) return dot_segment();
  return {};
}

Result<void> RequestPath::check_escape(size_t at) const {
  const bool escape =
      at + 2 < raw_.size() && hex_digit(raw_[at + 1]) >= 0 && hex_digit(raw_[at + 2]) >= 0;
  if (!escape) return invalid("the path has a '%' without two hexadecimal digits");
  if (raw_[at + 1] == '0' && raw_[at + 2] == '0') return invalid("the path has a %00");
  return {};
}

Result<void> RequestPath::end_segment(size_t begin, size_t end) {
  if (begin == end) {
    has_empty_segment_ = true;
  } else if (raw_[begin] == '.' || raw_[begin] == '%') {
    if (is_dot_segment(raw_.substr(begin, end - begin))) return dot_segment();
  }
  if (count_ < begins_.size()) begins_[count_++] = static_cast<uint32_t>(begin);
  return {};
}

std::string_view RequestPath::segment(size_t index, size_t end) const {
  return span(index, index + 1, false, end);
}

std::string_view RequestPath::span(size_t first, size_t last, bool open, size_t end) const {
  if (first >= count_) return {};
  const size_t begin = std::min<size_t>(begins_[first], end);
  const size_t stop = open || last >= count_ ? end : begins_[last] - 1;
  return raw_.substr(begin, stop - begin);
}

}  // namespace parley::door
