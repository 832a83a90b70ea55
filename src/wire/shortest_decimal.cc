#include "wire/shortest_decimal.h"

#include <array>
#include <bit>
#include <cstddef>

namespace parley::wire {
namespace {

using Wide = unsigned __int128;

// 10^k for k from kPowerMin on, as the upper 128 bits of its binary form, rounded up.
struct Power {
  uint64_t high = 0;
  uint64_t low = 0;
};
constexpr int kPowerMin = -292;
constexpr int kPowerMax = 324;
using Powers = std::array<Power, kPowerMax - kPowerMin + 1>;

// A fraction or a whole number of 1,280 bits, the most significant word last: as many as 5^324 and,
// with 500 to spare, 5^-292 need.
using Long = std::array<uint64_t, 20>;

// The upper 128 bits, from the first one that is set on; rounded up if bits below are set, or if
// there are always some (`inexact`).
constexpr Power top_of(const Long& value, bool inexact) {
  size_t word = value.size() - 1;
  while (value[word] == 0) --word;
  const int shift = std::countl_zero(value[word]);
  const auto at = [&](size_t below) { return word >= below ? value[word - below] : 0; };
  const auto part = [&](size_t below) {
    return shift == 0 ? at(below) : at(below) << shift | at(below + 1) >> (64 - shift);
  };
  Wide top = static_cast<Wide>(part(0)) << 64 | part(1);
  bool rest = inexact || (shift != 0 && at(2) << shift != 0) || (shift == 0 && at(2) != 0);
  for (size_t below = 3; below <= word; ++below) rest = rest || at(below) != 0;
  top += rest ? 1 : 0;
  return {static_cast<uint64_t>(top >> 64), static_cast<uint64_t>(top)};
}

// The factors 2 of 10^k only move the bits: powers of 5 have the same upper bits.
constexpr Powers make_powers() {
  Powers powers{};
  Long value{};
  value[0] = 1;
  for (int k = 0; k <= kPowerMax; ++k) {
    powers[static_cast<size_t>(k - kPowerMin)] = top_of(value, false);
    Wide carry = 0;
    for (uint64_t& word : value) {
      carry += static_cast<Wide>(word) * 5;
      word = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
  }
  value = {};
  value.back() = uint64_t{1} << 63;
  for (int k = -1; k >= kPowerMin; --k) {
    Wide rest = 0;
    for (size_t i = value.size(); i-- > 0;) {
      rest = rest << 64 | value[i];
      value[i] = static_cast<uint64_t>(rest / 5);
      rest %= 5;
    }
    powers[static_cast<size_t>(k - kPowerMin)] = top_of(value, true);
  }
  return powers;
}

constexpr Powers kPowers = make_powers();

// floor(log10(2^q)), or of 3/4 * 2^q; floor(log2(10^k)). Exact for all exponents of doubles.
constexpr int log10_of_power_of_2(int q, bool three_quarters) {
  return (q * 1262611 - (three_quarters ? 524031 : 0)) >> 22;
}
constexpr int log2_of_power_of_10(int k) { return (k * 1741647) >> 19; }

// The product's upper 64 bits; the lowest of them says whether anything lies below ("to odd").
uint64_t scaled(const Power& power, uint64_t value) {
  const uint64_t below = static_cast<uint64_t>((static_cast<Wide>(power.low) * value) >> 64);
  const Wide product = static_cast<Wide>(power.high) * value + below;
  return static_cast<uint64_t>(product >> 64) | (static_cast<uint64_t>(product) > 1 ? 1 : 0);
}

}  // namespace

ShortDecimal shortest_decimal(double value) {
  constexpr int kFractionBits = 52;
  constexpr int kBias = 1023 + kFractionBits;
  const auto bits = std::bit_cast<uint64_t>(value);
  const uint64_t fraction = bits & ((uint64_t{1} << kFractionBits) - 1);
  const auto biased = static_cast<int>(bits >> kFractionBits);
  const uint64_t c = biased == 0 ? fraction : fraction | uint64_t{1} << kFractionBits;
  const int q = (biased == 0 ? 1 : biased) - kBias;

  // All that is nearer to the value than to its neighbours, in quarters of its last bit. Below a
  // power of two the neighbours are closer. A value whose last bit is 0 wins ties.
  const bool closer = fraction == 0 && biased > 1;
  const int k = log10_of_power_of_2(q, closer);
  const int shift = q + log2_of_power_of_10(-k) + 1;
  const Power& power = kPowers[static_cast<size_t>(-k - kPowerMin)];
  const uint64_t tie = c & 1;
  const uint64_t lower = scaled(power, (4 * c - 2 + (closer ? 1 : 0)) << shift) + tie;
  const uint64_t middle = scaled(power, (4 * c) << shift);
  const uint64_t upper = scaled(power, (4 * c + 2) << shift) - tie;

  const uint64_t whole = middle / 4;
  if (whole >= 10) {  // one digit less, if just one such number is inside
    const uint64_t tens = whole / 10;
    const bool down = lower <= 40 * tens;
    const bool up = 40 * tens + 40 <= upper;
    if (down != up) return {tens + (up ? 1 : 0), k + 1};
  }
  const bool down = lower <= 4 * whole;
  const bool up = 4 * whole + 4 <= upper;
  if (down != up) return {whole + (up ? 1 : 0), k};
  const uint64_t half = 4 * whole + 2;
  const bool round_up = middle > half || (middle == half && (whole & 1) != 0);
  return {whole + (round_up ? 1 : 0), k};
}

}  // namespace parley::wire
