#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"

namespace parley::gateway {

// Lines for people about what is counted as well, and may happen as often as clients like. Of each
// kind one line is told in a while, and says how many were left out since the one before. Any
// thread.
class Notices {
 public:
  enum class Kind : uint8_t { Accepting, TlsHandshake, ProxyHeader };
  static constexpr Duration kInterval = std::chrono::seconds(10);

  // `say` is called on the thread that tells, and takes one line without its newline.
  explicit Notices(std::function<void(std::string line)> say) : say_(std::move(say)) {}

  // `make_text` is called only for a line that is told.
  template <typename MakeText>
  void tell(Kind kind, Instant now, const MakeText& make_text) {
    if (const auto left_out = due(kind, now)) say(make_text(), *left_out);
  }

 private:
  struct Line {
    std::atomic<Instant> next = Instant::min();
    std::atomic<uint64_t> left_out = 0;
  };
  // How many were left out before one that is due; nullopt: it is left out too.
  std::optional<uint64_t> due(Kind kind, Instant now);
  void say(std::string text, uint64_t left_out) const;

  const std::function<void(std::string line)> say_;
  std::array<Line, 3> lines_;  // by kind
};

}  // namespace parley::gateway
