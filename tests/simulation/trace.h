#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"

namespace parley::simulation {

// What happens in a run, line by line. Two runs of a seed have the same hash, or something in them
// depends on more than the seed.
class Trace {
 public:
  // `tell` (may be empty) gets each line.
  Trace(Clock& clock, std::function<void(std::string_view)> tell)
      : clock_(clock), start_(clock.now()), tell_(std::move(tell)) {}

  template <typename... Arguments>
  void say(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    add(fmt::format(format, std::forward<Arguments>(arguments)...));
  }
  uint64_t hash() const { return hash_; }

 private:
  void add(std::string_view text);

  Clock& clock_;
  const Instant start_;
  const std::function<void(std::string_view)> tell_;
  uint64_t hash_ = 0xCBF29CE484222325u;
};

}  // namespace parley::simulation
