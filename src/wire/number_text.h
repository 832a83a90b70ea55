#pragma once

#include <cstdint>
#include <string_view>

namespace parley::wire {

// Numbers as JSON has them (RFC 8259, section 6), read exactly and written in their shortest form.

enum class NumberProblem : uint8_t {
  None,
  Syntax,    // no number
  Fraction,  // a whole number is wanted
  Range,
};

// The end of the number at `at`; nullptr when there is none.
const char* number_end(const char* at, const char* end);

struct WholeNumber {
  bool negative = false;
  uint64_t magnitude = 0;
};

// Reads the number at `at`, which moves behind it (on success), as a whole one: 7, -7, 7.0, 7e3.
NumberProblem read_whole(const char*& at, const char* end, WholeNumber& number);

// Reads the number at `at` as the nearest double or float. Too large is Range; too small is zero.
NumberProblem read_double(const char*& at, const char* end, double& number);
NumberProblem read_float(const char*& at, const char* end, float& number);

// The number as a signed or unsigned integer of 32 or 64 bits, false when it does not fit.
bool fits_int64(const WholeNumber& number, int64_t& value);
bool fits_int32(const WholeNumber& number, int32_t& value);
bool fits_uint64(const WholeNumber& number, uint64_t& value);
bool fits_uint32(const WholeNumber& number, uint32_t& value);

inline constexpr size_t kIntegerTextMax = 20;
inline constexpr size_t kDoubleTextMax = 32;

// Write at `to`, which has room for the above; return the end. Doubles are finite.
char* put_uint64(char* to, uint64_t value);
char* put_int64(char* to, int64_t value);
char* put_double(char* to, double value);
char* put_float(char* to, float value);

// Writes `value` in exactly `digits` decimal digits.
char* put_padded(char* to, uint32_t value, int digits);

}  // namespace parley::wire
