#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "http/exchange.h"

namespace parley::http {

// How long we wait for a peer that gives, or takes, slowly or not at all.
//
// It has an allowance of time to spend. What we wait is taken from it; each byte that moves gives a
// part of it back, 1 / rate_min seconds, and never to more than the allowance. So a peer at that
// rate never fails, nor does a short pause; one byte now and then does. Rate 0: any byte will do.
//
//   (wait* moved)*
class Pace {
 public:
  Pace(Duration allowance, uint32_t rate_min)
      : allowance_(allowance), left_(allowance), rate_min_(rate_min) {}

  // We wait from `now` on, or go on to; the time when we have waited enough.
  Instant wait(Instant now) {
    if (since_ == kNever) since_ = now;
    return deadline_after(since_, left_);
  }

  // So many bytes have moved, and we wait no more.
  void moved(Instant now, size_t bytes) {
    if (since_ == kNever && left_ == allowance_) return;  // nothing to give back
    const Duration waited = since_ != kNever ? now - since_ : Duration(0);
    since_ = kNever;
    left_ = std::clamp(left_ + worth(bytes) - waited, Duration(0), allowance_);
  }

 protected:
  uint32_t rate_min() const { return rate_min_; }
  // Whether nothing at all has moved.
  bool silent(Instant now) const { return since_ != kNever && now - since_ >= allowance_; }

 private:
  Duration worth(size_t bytes) const {
    constexpr size_t kBytesMax = size_t{1} << 30;  // so that the product fits
    if (rate_min_ == 0) return bytes > 0 ? allowance_ : Duration(0);
    const auto nanoseconds = std::min(bytes, kBytesMax) * 1'000'000'000 / rate_min_;
    return Duration(static_cast<Duration::rep>(nanoseconds));
  }

  Duration allowance_;
  Duration left_;
  Instant since_ = kNever;
  uint32_t rate_min_;
};

// For the body of a request: body_timeout, at body_rate_min.
class BodyPace : public Pace {
 public:
  explicit BodyPace(const Settings& settings)
      : Pace(settings.body_timeout, settings.body_rate_min) {}

  // Why it has waited enough: BodyTimeout, which names the limit.
  Failure failure(Instant now) const {
    const bool stopped = silent(now);
    Failure failure(Reason::BodyTimeout, stopped
                                             ? std::string("the body stopped arriving")
                                             : "the body arrives too slowly, below " +
                                                   std::to_string(rate_min()) + " bytes a second");
    failure.from(Origin::Client).with_limit(stopped ? "http.body_timeout" : "http.body_rate_min");
    return failure;
  }
};

// For a client that takes an answer: write_timeout, at the same rate.
inline Pace answer_pace(const Settings& settings) {
  return {settings.write_timeout, settings.body_rate_min};
}

}  // namespace parley::http
