#include "http/http2_flood_meter.h"

#include <fmt/format.h>

namespace parley::http {

std::optional<Failure> Http2FloodMeter::passed(Instant now) {
  if (span_start_ == kNever) span_start_ = now;
  if (!suspicious()) return std::nullopt;
  if (now - span_start_ > kSpan) {
    span_start_ = now;
    requests_ = earned_ = overhead_ = resets_ = 0;
  }
  if (overhead_ > limits_.overhead_frames_max + earned_)
    return failure("overhead_frames_max", "too many frames that carry nothing of a message");
  if (resets_ > limits_.resets_max + requests_ / 2)
    return failure("resets_max", "too many streams were reset");
  if (!tripped_.empty()) return failure(tripped_, std::string(what_));
  return std::nullopt;
}

Failure Http2FloodMeter::failure(std::string_view limit, std::string what) const {
  const std::string name = name_of(limit);
  return Failure::limit(name, fmt::format("{} (limit {})", what, name));
}

}  // namespace parley::http
