#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "contract/path_template.h"

namespace parley::door {

// The raw path of a request, taken apart and checked; it borrows the path.
class RequestPath {
 public:
  // No template has more segments; what `**` takes beyond stays in one piece.
  static constexpr size_t kSegmentsMax = contract::PathTemplate::kSegmentsMax;

  // Failure: PathInvalid for a bad escape, %00, a byte that must be escaped, text that is not
  // UTF-8, and segments `.` and `..` in any spelling.
  static Result<RequestPath> parse(std::string_view raw);

  std::string_view raw() const { return raw_; }
  // At most kSegmentsMax + 1: that many or more.
  size_t segments() const { return count_; }
  // Of the path's first `end` bytes: one segment; the segments [first, last) with the slashes
  // between them, the whole rest when `open`.
  std::string_view segment(size_t index, size_t end) const;
  std::string_view span(size_t first, size_t last, bool open, size_t end) const;

  // An empty segment, or a slash at the end: such a path matches nothing.
  bool has_empty_segment() const { return has_empty_segment_; }
  // What follows the last colon of the last segment; empty: no colon, or nothing on a side of it.
  std::string_view verb() const { return verb_; }

 private:
  Result<void> check_escape(size_t at) const;
  Result<void> take_verb(size_t begin, size_t colon);
  Result<void> end_segment(size_t begin, size_t end);

  std::string_view raw_;
  std::array<uint32_t, kSegmentsMax + 1> begins_;  // of each segment; the first `count_` are set
  uint32_t count_ = 0;
  bool has_empty_segment_ = false;
  std::string_view verb_;
};

}  // namespace parley::door
