#include "wire/number_text.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace parley::wire {
namespace {

std::string text_of(double value) {
  char text[kDoubleTextMax];
  return std::string(text, put_double(text, value));
}

TEST(NumberText, every_double_comes_back) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = text_of(value);
    const char* at = text.data();
    double again = 0;
    ASSERT_EQ(read_double(at, text.data() + text.size(), again), NumberProblem::None) << text;
    ASSERT_EQ(std::bit_cast<uint64_t>(again), std::bit_cast<uint64_t>(value)) << text;
    ASSERT_EQ(at, text.data() + text.size());
  }
}

// As std::to_chars does it, but that large whole numbers are their shortest digits and zeros.
template <typename Float>
std::string expected_text(Float value) {
  const Float size = std::abs(value);
  const Float whole_max = sizeof(Float) == sizeof(double) ? Float{0x1p53} : Float{0x1p24};
  const bool fixed = size == 0 || (size >= static_cast<Float>(1e-4) && size < whole_max);
  char text[kDoubleTextMax];
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(text, text + sizeof text, value, format).ptr;
  std::string result(text, end);
  if (size < whole_max || size >= static_cast<Float>(1e17)) return result;
  const size_t e = result.find('e');
  size_t exponent = 0;
  std::from_chars(result.data() + e + 2, result.data() + result.size(), exponent);
  result.resize(e);
  std::erase(result, '.');
  result.resize(exponent + 1 + (value < 0 ? 1 : 0), '0');
  return result;
}

TEST(NumberText, doubles_are_written_with_their_shortest_digits) {
  EXPECT_EQ(text_of(99999999999999984.0), "99999999999999980");
  EXPECT_EQ(text_of(9007199254740994.0), "9007199254740994");
  EXPECT_EQ(text_of(-1e16), "-10000000000000000");
  EXPECT_EQ(text_of(1e17), "1e+17");
  std::mt19937_64 random(6);
  const auto check = [](double value) {
    if (!std::isfinite(value)) return;
    ASSERT_EQ(text_of(value), expected_text(value));
  };
  for (int i = 0; i < 100'000; ++i) check(std::bit_cast<double>(random()));
  for (int i = 0; i < 100'000; ++i)
    check(static_cast<double>(static_cast<int64_t>(random()) >> random() % 64) /
          std::pow(10.0, static_cast<double>(random() % 20)));
  for (int i = 0; i < 100'000; ++i) {  // prices, coordinates, and what is next to them
    const double value = static_cast<double>(random() % 10'000'000'000'000'000 >> random() % 50) /
                         std::pow(10.0, static_cast<double>(random() % 8));
    for (const double near : {value, std::nextafter(value, 0), std::nextafter(value, 1e308)})
      check(near);
  }
  for (int exponent = -1074; exponent < 1024; ++exponent) {  // where neighbours are closer
    const double power = std::ldexp(1.0, exponent);
    for (const double value : {power, std::nextafter(power, 0), std::nextafter(power, 1e308)})
      check(value);
  }
}

TEST(NumberText, doubles_are_read_as_from_chars_reads_them) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = std::to_string(random() % 1'000'000'000'000);
    if (random() % 2) text += "." + std::to_string(random() % 10'000'000);
    if (random() % 2) text += "e" + std::to_string(static_cast<int>(random() % 60) - 30);
    const char* at = text.data();
    double ours = 0;
    double theirs = 0;
    ASSERT_EQ(read_double(at, text.data() + text.size(), ours), NumberProblem::None);
    std::from_chars(text.data(), text.data() + text.size(), theirs);
    ASSERT_EQ(ours, theirs) << text;
  }
}

TEST(NumberText, every_float_comes_back) {
  std::mt19937 random(9);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    char text[kDoubleTextMax];
    const char* const end = put_float(text, value);
    ASSERT_EQ(std::string_view(text, static_cast<size_t>(end - text)), expected_text(value));
    const char* at = text;
    float again = 0;
    ASSERT_EQ(read_float(at, end, again), NumberProblem::None);
    ASSERT_EQ(std::bit_cast<uint32_t>(again), std::bit_cast<uint32_t>(value));
  }
}

TEST(NumberText, integers_come_back_at_every_length) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const uint64_t value :
         {uint64_t{1} << bit, (uint64_t{1} << bit) - 1, ~uint64_t{0} >> bit}) {
      char text[kIntegerTextMax];
      char* const end = put_uint64(text, value);
      EXPECT_EQ(std::string(text, end), std::to_string(value));
      const char* at = text;
      WholeNumber number;
      EXPECT_EQ(read_whole(at, end, number), NumberProblem::None);
      EXPECT_EQ(number.magnitude, value);
      const auto negative = static_cast<int64_t>(value);
      EXPECT_EQ(std::string(text, put_int64(text, negative)), std::to_string(negative));
    }
  }
}

}  // namespace
}  // namespace parley::wire
