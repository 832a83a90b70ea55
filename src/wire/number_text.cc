#include "wire/number_text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/ascii.h"
#include "wire/shortest_decimal.h"

namespace parley::wire {
namespace {

// Exponents beyond this are as good as infinite; counting stops there.
constexpr int64_t kExponentMax = 1'000'000'000'000;
constexpr uint64_t kSafeMantissa = uint64_t{1} << 53;
constexpr int kMantissaDigits = 19;  // of a decimal number that surely fits 64 bits
constexpr double kTens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                            1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int64_t kTensMax = 22;
constexpr auto kWholeTens = [] {
  std::array<uint64_t, 20> tens{1};
  for (size_t i = 1; i < tens.size(); ++i) tens[i] = tens[i - 1] * 10;
  return tens;
}();

// A number's parts, its syntax checked.
struct Decimal {
  bool negative = false;
  const char* begin = nullptr;  // of the digits before the point
  const char* whole_end = nullptr;
  const char* fraction = nullptr;  // of the digits after it
  const char* fraction_end = nullptr;
  int64_t exponent = 0;
  const char* end = nullptr;
};

const char* skip_digits(const char* at, const char* end) {
  while (at < end && ascii_digit(*at)) ++at;
  return at;
}

// number = [ minus ] int [ frac ] [ exp ]
bool scan_exponent(const char*& at, const char* end, int64_t& exponent) {
  if (at == end || (*at | 0x20) != 'e') return true;
  ++at;
  const bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) ++at;
  const char* const digits = at;
  for (; at < end && ascii_digit(*at); ++at)
    if (exponent < kExponentMax) exponent = exponent * 10 + (*at - '0');
  if (negative) exponent = -exponent;
  return at > digits;
}

bool scan(const char* at, const char* end, Decimal& number) {
  number.negative = at < end && *at == '-';
  if (number.negative) ++at;
  number.begin = at;
  at = skip_digits(at, end);
  number.whole_end = at;
  const auto digits = at - number.begin;
  if (digits == 0 || (digits > 1 && *number.begin == '0')) return false;
  number.fraction = number.fraction_end = at;
  if (at < end && *at == '.') {
    number.fraction = ++at;
    at = number.fraction_end = skip_digits(at, end);
    if (number.fraction == number.fraction_end) return false;
  }
  if (!scan_exponent(at, end, number.exponent)) return false;
  number.end = at;
  return true;
}

// Calls `take(digit)` for each significant digit from the left: no leading zeros, and no trailing
// ones, which count into the exponent of what was taken. Returns that exponent.
template <typename Take>
int64_t significant(const Decimal& number, Take take) {
  int64_t zeros = 0;  // seen, and not yet known to be inner ones
  bool started = false;
  const auto run = [&](const char* at, const char* end) {
    for (; at < end; ++at) {
      if (*at == '0') {
        zeros += started ? 1 : 0;
        continue;
      }
      started = true;
      for (; zeros > 0; --zeros) take(0);
      take(static_cast<unsigned>(*at - '0'));
    }
  };
  run(number.begin, number.whole_end);
  run(number.fraction, number.fraction_end);
  return number.exponent - (number.fraction_end - number.fraction) + zeros;
}

// The slow way of read_whole: with a point or an exponent, or more than 19 digits.
NumberProblem read_whole_decimal(const Decimal& number, WholeNumber& whole) {
  uint64_t magnitude = 0;
  bool overflow = false;
  // Digits behind an overflow are not looked at; the exponent is then of no matter either.
  int64_t exponent = significant(number, [&](unsigned digit) {
    overflow = overflow || __builtin_mul_overflow(magnitude, uint64_t{10}, &magnitude) ||
               __builtin_add_overflow(magnitude, uint64_t{digit}, &magnitude);
  });
  whole = {number.negative, 0};
  if (magnitude == 0 && !overflow) return NumberProblem::None;
  if (exponent < 0) return NumberProblem::Fraction;
  for (; exponent > 0 && !overflow; --exponent)
    overflow = __builtin_mul_overflow(magnitude, uint64_t{10}, &magnitude);
  if (overflow) return NumberProblem::Range;
  whole.magnitude = magnitude;
  return NumberProblem::None;
}

// The power of ten of the first significant digit; very small for zero.
int64_t magnitude_of(const Decimal& number) {
  if (*number.begin != '0') return number.exponent + (number.whole_end - number.begin) - 1;
  const char* at = number.fraction;
  while (at < number.fraction_end && *at == '0') ++at;
  if (at == number.fraction_end) return -kExponentMax;
  return number.exponent - (at - number.fraction) - 1;
}

// Clinger's fast case: a mantissa below 2^53 and a power of ten that a double holds exactly give
// the nearest double in one operation.
bool read_exact(const Decimal& number, double& value) {
  const auto digits = (number.whole_end - number.begin) + (number.fraction_end - number.fraction);
  if (digits > kMantissaDigits) return false;
  uint64_t mantissa = 0;
  for (const char* p = number.begin; p < number.whole_end; ++p)
    mantissa = mantissa * 10 + static_cast<unsigned>(*p - '0');
  for (const char* p = number.fraction; p < number.fraction_end; ++p)
    mantissa = mantissa * 10 + static_cast<unsigned>(*p - '0');
  const int64_t exponent = number.exponent - (number.fraction_end - number.fraction);
  if (mantissa > kSafeMantissa || exponent > kTensMax || exponent < -kTensMax) return false;
  const auto exact = static_cast<double>(mantissa);
  value = exponent < 0 ? exact / kTens[-exponent] : exact * kTens[exponent];
  if (number.negative) value = -value;
  return true;
}

template <typename T>
NumberProblem read_nearest(const Decimal& number, const char* start, T& value) {
  const auto [end, error] = std::from_chars(start, number.end, value);
  if (error == std::errc()) return std::isinf(value) ? NumberProblem::Range : NumberProblem::None;
  if (magnitude_of(number) > 0) return NumberProblem::Range;
  value = number.negative ? -T{0} : T{0};
  return NumberProblem::None;
}

// The digits of a number below 10^8, one in each byte, the first in the lowest: by halves, each by
// one multiplication for all parts at once.
[[gnu::always_inline]] inline uint64_t eight_digits(uint32_t value) {
  const uint64_t fours = value / 10'000 | static_cast<uint64_t>(value % 10'000) << 32;
  const uint64_t hundreds = (fours * 10'486 >> 20) & 0x0000'007F'0000'007F;
  const uint64_t pairs = hundreds | (fours - hundreds * 100) << 16;
  const uint64_t tens = (pairs * 103 >> 10) & 0x000F'000F'000F'000F;
  return tens | (pairs - tens * 10) << 8;
}
constexpr uint64_t kZeros = 0x3030'3030'3030'3030;
constexpr uint64_t kEight = 100'000'000;

[[gnu::always_inline]] inline char* put_eight(char* to, uint32_t value) {
  const uint64_t text = eight_digits(value) | kZeros;
  std::memcpy(to, &text, sizeof text);
  return to + sizeof text;
}

// Without leading zeros, but for 0 itself.
[[gnu::always_inline]] inline char* put_up_to_eight(char* to, uint32_t value) {
  const uint64_t digits = eight_digits(value);
  const int leading = std::countr_zero(digits | uint64_t{1} << 56) / 8;
  const uint64_t text = (digits | kZeros) >> leading * 8;
  std::memcpy(to, &text, sizeof text);
  return to + 8 - leading;
}

// As %.17g: an exponent when the number is below the first, or not below the second.
constexpr double kFixedMin = 1e-4;
constexpr double kFixedMax = 1e17;
// Below these all digits of a whole number are needed to tell it from its neighbours.
constexpr double kWholeMax = 0x1p53;
constexpr float kWholeFloatMax = 0x1p24F;

// Below kShortMax, what is a multiple of 10^-6 has at most 15 digits, and no other number of so few
// stands for the same double.
constexpr double kShortMax = 1e9;
constexpr int kShortDigits = 6;
constexpr uint64_t kShortScale = 1'000'000;

// The zeros at the end of eight digits that are not all 0.
int trailing_zeros(uint64_t digits) { return std::countl_zero(digits) / 8; }

// The digits behind a point: `fraction` < 10^count is not 0, count <= 24. No zeros at the end.
char* put_fraction(char* to, uint64_t fraction, int count) {
  const uint64_t last = eight_digits(static_cast<uint32_t>(fraction % kEight));
  char* const end = to + count;
  int zeros = last != 0 ? trailing_zeros(last) : 8;
  uint64_t rest = fraction / kEight;
  if (count > 8) {
    const uint64_t middle = eight_digits(static_cast<uint32_t>(rest % kEight));
    rest /= kEight;
    if (count > 16) {
      const uint64_t first = eight_digits(static_cast<uint32_t>(rest));
      if (zeros == 8) zeros += middle != 0 ? trailing_zeros(middle) : 8 + trailing_zeros(first);
      const uint64_t text = (first | kZeros) >> (24 - count) * 8;
      std::memcpy(to, &text, sizeof text);
      to += count - 16;
      count = 16;
    } else if (zeros == 8) {
      zeros += trailing_zeros(middle);
    }
    const uint64_t text = (middle | kZeros) >> (16 - count) * 8;
    std::memcpy(to, &text, sizeof text);
    to += count - 8;
    count = 8;
  }
  const uint64_t text = (last | kZeros) >> (8 - count) * 8;
  std::memcpy(to, &text, sizeof text);
  return end - zeros;
}

char* put_scientific(char* to, const ShortDecimal& decimal) {
  char text[kIntegerTextMax];
  const char* end = put_uint64(text, decimal.digits);
  const int64_t exponent = (end - text) + decimal.exponent - 1;
  while (end[-1] == '0') --end;
  *to++ = text[0];
  if (const auto more = static_cast<size_t>(end - text) - 1; more > 0) {
    *to++ = '.';
    std::memcpy(to, text + 1, more);
    to += more;
  }
  *to++ = 'e';
  *to++ = exponent < 0 ? '-' : '+';
  if (std::abs(exponent) < 10) *to++ = '0';
  return put_uint64(to, static_cast<uint64_t>(std::abs(exponent)));
}

// A number that is not whole, or is too large or too small for digits alone.
char* put_decimal(char* to, double value) {
  *to = '-';
  to += value < 0 ? 1 : 0;
  value = std::abs(value);
  if (value < kFixedMin || value >= kFixedMax) return put_scientific(to, shortest_decimal(value));
  if (value < kShortMax) {
    const double scaled = value * kShortScale;
    const auto whole = static_cast<int64_t>(scaled + 0.5);
    const auto rounded = static_cast<double>(whole);
    // The division decides; where there are more digits, the distance mostly spares it.
    if (std::abs(scaled - rounded) <= scaled * 0x1p-50 && rounded / kShortScale == value) {
      const auto digits = static_cast<uint64_t>(whole);
      to = put_uint64(to, digits / kShortScale);
      *to++ = '.';
      return put_fraction(to, digits % kShortScale, kShortDigits);
    }
  }
  // Nothing is nearer to a whole number than the whole number: both have the same digits before the
  // point.
  const ShortDecimal decimal = shortest_decimal(value);
  if (decimal.exponent >= 0)
    return put_uint64(to, decimal.digits * kWholeTens[static_cast<size_t>(decimal.exponent)]);
  const auto whole = static_cast<uint64_t>(value);
  uint64_t fraction = decimal.digits;
  if (whole != 0) fraction -= whole * kWholeTens[static_cast<size_t>(-decimal.exponent)];
  to = put_uint64(to, whole);
  *to++ = '.';
  return put_fraction(to, fraction, -decimal.exponent);
}

// From kWholeFloatMax on: the shortest digits, and zeros behind them.
char* put_whole_float(char* to, float value) {
  char text[kDoubleTextMax];
  char* const end =
      std::to_chars(text, text + sizeof text, std::abs(value), std::chars_format::scientific).ptr;
  char* const exponent = std::find(text, end, 'e');
  int zeros = 0;
  std::from_chars(exponent + 2, end, zeros);  // behind the plus
  *to = '-';
  to += value < 0 ? 1 : 0;
  for (const char* at = text; at < exponent; ++at) {
    if (*at == '.') continue;
    *to++ = *at;
    zeros -= at == text ? 0 : 1;
  }
  return std::fill_n(to, zeros, '0');
}

}  // namespace

const char* number_end(const char* at, const char* end) {
  Decimal number;
  return scan(at, end, number) ? number.end : nullptr;
}

NumberProblem read_whole(const char*& at, const char* end, WholeNumber& number) {
  const char* p = at;
  const bool negative = p < end && *p == '-';
  if (negative) ++p;
  const char* const digits = p;
  uint64_t magnitude = 0;
  const char* const fast_end = end - p > kMantissaDigits ? p + kMantissaDigits : end;
  for (; p < fast_end && ascii_digit(*p); ++p)
    magnitude = magnitude * 10 + static_cast<unsigned>(*p - '0');
  const char next = p < end ? *p : ' ';
  const bool plain = p > digits && !ascii_digit(next) && next != '.' && (next | 0x20) != 'e' &&
                     (*digits != '0' || p == digits + 1);
  if (plain) [[likely]] {
    number = {negative, magnitude};
    at = p;
    return NumberProblem::None;
  }
  Decimal decimal;
  if (!scan(at, end, decimal)) return NumberProblem::Syntax;
  const NumberProblem problem = read_whole_decimal(decimal, number);
  if (problem == NumberProblem::None) at = decimal.end;
  return problem;
}

NumberProblem read_double(const char*& at, const char* end, double& number) {
  Decimal decimal;
  if (!scan(at, end, decimal)) return NumberProblem::Syntax;
  if (!read_exact(decimal, number)) {
    const NumberProblem problem = read_nearest(decimal, at, number);
    if (problem != NumberProblem::None) return problem;
  }
  at = decimal.end;
  return NumberProblem::None;
}

NumberProblem read_float(const char*& at, const char* end, float& number) {
  Decimal decimal;
  if (!scan(at, end, decimal)) return NumberProblem::Syntax;
  const NumberProblem problem = read_nearest(decimal, at, number);
  if (problem == NumberProblem::None) at = decimal.end;
  return problem;
}

bool fits_int64(const WholeNumber& number, int64_t& value) {
  constexpr uint64_t kMax = INT64_MAX;
  if (number.magnitude > kMax + (number.negative ? 1 : 0)) return false;
  value = static_cast<int64_t>(number.negative ? 0 - number.magnitude : number.magnitude);
  return true;
}

bool fits_int32(const WholeNumber& number, int32_t& value) {
  constexpr uint64_t kMax = INT32_MAX;
  if (number.magnitude > kMax + (number.negative ? 1 : 0)) return false;
  value = static_cast<int32_t>(number.negative ? 0 - number.magnitude : number.magnitude);
  return true;
}

bool fits_uint64(const WholeNumber& number, uint64_t& value) {
  value = number.magnitude;
  return !number.negative || number.magnitude == 0;
}

bool fits_uint32(const WholeNumber& number, uint32_t& value) {
  value = static_cast<uint32_t>(number.magnitude);
  return number.magnitude <= UINT32_MAX && (!number.negative || number.magnitude == 0);
}

char* put_uint64(char* to, uint64_t value) {
  if (value < kEight) [[likely]]
    return put_up_to_eight(to, static_cast<uint32_t>(value));
  if (value < kEight * kEight) {
    to = put_up_to_eight(to, static_cast<uint32_t>(value / kEight));
    return put_eight(to, static_cast<uint32_t>(value % kEight));
  }
  to = put_up_to_eight(to, static_cast<uint32_t>(value / (kEight * kEight)));
  value %= kEight * kEight;
  to = put_eight(to, static_cast<uint32_t>(value / kEight));
  return put_eight(to, static_cast<uint32_t>(value % kEight));
}

char* put_int64(char* to, int64_t value) {
  // Signs of data follow no pattern: no branch, so none that is guessed wrongly.
  const uint64_t negative = value < 0 ? 1 : 0;
  *to = '-';
  return put_uint64(to + negative, (static_cast<uint64_t>(value) ^ (0 - negative)) + negative);
}

char* put_padded(char* to, uint32_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    to[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return to + digits;
}

char* put_double(char* to, double value) {
  const auto whole = static_cast<int64_t>(std::abs(value) < kWholeMax ? value : 0);
  // All but fractions, what is too large, and the negative zero.
  if (static_cast<double>(whole) == value && !(whole == 0 && std::signbit(value)))
    return put_int64(to, whole);
  if (value == 0) {
    std::memcpy(to, "-0", 2);
    return to + 2;
  }
  return put_decimal(to, value);
}

char* put_float(char* to, float value) {
  const float size = std::abs(value);
  if (size < kWholeFloatMax && value == std::trunc(value) && !(value == 0 && std::signbit(value)))
    return put_int64(to, static_cast<int64_t>(value));
  const bool fixed = size == 0 || (size >= static_cast<float>(kFixedMin) && size < kWholeFloatMax);
  if (fixed || size < static_cast<float>(kFixedMin) || size >= static_cast<float>(kFixedMax))
    return std::to_chars(to, to + kDoubleTextMax, value,
                         fixed ? std::chars_format::fixed : std::chars_format::scientific)
        .ptr;
  return put_whole_float(to, value);
}

}  // namespace parley::wire
