#pragma once

#include <cstdint>

namespace parley::wire {

struct ShortDecimal {
  uint64_t digits = 0;  // at most 17 of them; the last may be 0
  int exponent = 0;     // of ten: the number is digits * 10^exponent
};

// The decimal with the fewest digits that is read back as `value`, and of these the nearest to it:
// Raffaello Giulietti, "The Schubfach way to render doubles". REQUIRES: finite and above 0.
ShortDecimal shortest_decimal(double value);

}  // namespace parley::wire
