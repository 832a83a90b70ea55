#pragma once

#include <algorithm>
#include <cstddef>

#include "base/clock.h"
#include "http/exchange.h"

namespace parley::http {

// How long a service waits for a body that comes slowly or not at all.
//
// A client has body_timeout to spend. What the service waits is taken from it; each byte gives a
// part of it back, 1 / body_rate_min seconds, and never to more than body_timeout. So a body at
// that rate never fails, nor does a short pause; one byte now and then does. Borrows `settings`.
//
//   (wait* came)*
class BodyPace {
 public:
  explicit BodyPace(const Settings& settings) : settings_(settings), left_(settings.body_timeout) {}

  // The service waits from `now` on, or goes on to; the time when it has waited enough.
  Instant wait(Instant now) {
    if (since_ == kNever) since_ = now;
    return deadline_after(since_, left_);
  }

  // A part of the body came.
  void came(Instant now, size_t bytes) {
    if (since_ == kNever && left_ == settings_.body_timeout) return;  // nothing to give back
    if (since_ != kNever) left_ -= std::min(left_, now - since_);
    since_ = kNever;
    left_ = std::min(left_ + worth(bytes), settings_.body_timeout);
  }

  // Why it has waited enough: BodyTimeout, which names the limit.
  Failure failure(Instant now) const {
    const bool silent = since_ != kNever && now - since_ >= settings_.body_timeout;
    Failure failure(Reason::BodyTimeout, silent ? std::string("the body stopped arriving")
                                                : "the body arrives too slowly, below " +
                                                      std::to_string(settings_.body_rate_min) +
                                                      " bytes a second");
    failure.from(Origin::Client).with_limit(silent ? "http.body_timeout" : "http.body_rate_min");
    return failure;
  }

 private:
  Duration worth(size_t bytes) const {
    constexpr size_t kBytesMax = size_t{1} << 30;  // so that the product fits
    if (settings_.body_rate_min == 0) return settings_.body_timeout;
    const auto nanoseconds = std::min(bytes, kBytesMax) * 1'000'000'000 / settings_.body_rate_min;
    return Duration(static_cast<Duration::rep>(nanoseconds));
  }

  const Settings& settings_;
  Duration left_;
  Instant since_ = kNever;
};

}  // namespace parley::http
