#include "door/request_path.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/percent.h"
#include "base/utf8.h"

namespace parley::door {
namespace {

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

// "shelf:cancel" is "shelf" with the verb "cancel".
std::string_view verb_of(std::string_view raw) {
  const size_t colon = raw.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == raw.size()) return {};
  if (raw[colon - 1] == '/' || raw.find('/', colon) != std::string_view::npos) return {};
  return raw.substr(colon + 1);
}

}  // namespace

Result<RequestPath> RequestPath::parse(std::string_view raw) {
  RequestPath path;
  path.raw_ = raw;
  if (raw.empty() || raw[0] != '/') return invalid("the path does not begin with '/'");
  TRY_VOID(path.check_text());
  if (raw.size() == 1) return path;
  size_t begin = 1;
  for (size_t at = 1; at < raw.size(); ++at) {
    if (raw[at] != '/') continue;
    TRY_VOID(path.end_segment(begin, at));
    begin = at + 1;
  }
  TRY_VOID(path.end_segment(begin, raw.size()));
  path.verb_ = verb_of(raw);
  if (!path.verb_.empty() && is_dot_segment(raw.substr(begin, raw.rfind(':') - begin)))
    return invalid("a segment of the path is \".\" or \"..\"");
  return path;
}

Result<void> RequestPath::check_text() const {
  bool beyond_ascii = false;
  for (size_t at = 0; at < raw_.size(); ++at) {
    const char c = raw_[at];
    if (c <= 0x20 || c == 0x7F || c == '#')
      return invalid(fmt::format("byte 0x{:02X} of the path must be percent-encoded",
                                 static_cast<unsigned char>(c)));
    if (c != '%') continue;
    const bool escape =
        at + 2 < raw_.size() && hex_digit(raw_[at + 1]) >= 0 && hex_digit(raw_[at + 2]) >= 0;
    if (!escape) return invalid("the path has a '%' without two hexadecimal digits");
    if (raw_[at + 1] == '0' && raw_[at + 2] == '0') return invalid("the path has a %00");
    beyond_ascii |= hex_digit(raw_[at + 1]) >= 8;
    at += 2;
  }
  if (beyond_ascii && !utf8_valid(*percent_decode(raw_)))
    return invalid("the escapes of the path are not UTF-8");
  return {};
}

Result<void> RequestPath::end_segment(size_t begin, size_t end) {
  if (begin == end) has_empty_segment_ = true;
  if (is_dot_segment(raw_.substr(begin, end - begin)))
    return invalid("a segment of the path is \".\" or \"..\"");
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
