#include "http/http2_flood_meter.h"

#include <fmt/format.h>

namespace parley::http {

void Http2FloodMeter::go_on(Instant now) {
  if (span_start_ != kNever && now - span_start_ <= kSpan) return;
  span_start_ = now;
  earned_before_ = earned_;
  requests_ = earned_ = overhead_ = resets_ = 0;
}

std::optional<Failure> Http2FloodMeter::passed() const {
  if (too_much_overhead())
    return failure("overhead_frames_max", "too many frames that carry nothing of a message");
  if (too_many_resets()) return failure("resets_max", "too many streams were reset");
  if (too_many_stalled()) return failure("resets_max", "too many answers were not taken");
  if (!tripped_.empty()) return failure(tripped_, std::string(what_));
  return std::nullopt;
}

Failure Http2FloodMeter::failure(std::string_view limit, std::string what) const {
  const std::string name = name_of(limit);
  return Failure::limit(name, fmt::format("{} (limit {})", what, name));
}

}  // namespace parley::http
