#include "simulation/trace.h"

namespace parley::simulation {

// FNV-1a, 64 bits.
void Trace::add(std::string_view text) {
  const int64_t nanoseconds = (clock_.now() - start_).count();
  const std::string line = fmt::format("{:>6}.{:06} {}", nanoseconds / 1'000'000'000,
                                       nanoseconds / 1000 % 1'000'000, text);
  for (const char byte : line) {
    hash_ ^= static_cast<uint8_t>(byte);
    hash_ *= 0x100000001B3u;
  }
  if (tell_) tell_(line);
}

}  // namespace parley::simulation
