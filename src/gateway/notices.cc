#include "gateway/notices.h"

#include <fmt/format.h>

namespace parley::gateway {

std::optional<uint64_t> Notices::due(Kind kind, Instant now) {
  Line& line = lines_[static_cast<size_t>(kind)];
  Instant next = line.next.load(std::memory_order_relaxed);
  // Where two threads come at once, one of them tells.
  if (now < next || !line.next.compare_exchange_strong(next, deadline_after(now, kInterval))) {
    line.left_out.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return line.left_out.exchange(0);
}

void Notices::say(std::string text, uint64_t left_out) const {
  if (left_out > 0) text += fmt::format(" (and {} more before, which were not told)", left_out);
  say_(std::move(text));
}

}  // namespace parley::gateway
