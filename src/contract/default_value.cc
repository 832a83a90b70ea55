#include "contract/default_value.h"

#include <bit>
#include <charconv>
#include <limits>
#include <system_error>

#include "base/ascii.h"

namespace parley::contract {
namespace {

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<uint64_t> signed_bits(std::string_view text, int64_t min, int64_t max) {
  const auto number = parse_number<int64_t>(text);
  if (!number || *number < min || *number > max) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

std::optional<uint64_t> unsigned_bits(std::string_view text, uint64_t max) {
  const auto number = parse_number<uint64_t>(text);
  if (!number || *number > max) return std::nullopt;
  return number;
}

std::optional<uint64_t> double_bits(std::string_view text) {
  const auto number = parse_number<double>(text);
  if (!number) return std::nullopt;
  return std::bit_cast<uint64_t>(*number);
}

std::optional<uint64_t> float_bits(std::string_view text) {
  const auto number = parse_number<float>(text);
  if (!number) return std::nullopt;
  return std::bit_cast<uint32_t>(*number);
}

std::optional<uint64_t> bool_bits(std::string_view text) {
  if (text == "true") return 1;
  if (text == "false") return 0;
  return std::nullopt;
}

// The byte of a one-letter escape, or -1.
int simple_escape(char letter) {
  constexpr std::string_view kLetters = "abfnrtv\\'\"?";
  constexpr std::string_view kBytes = "\a\b\f\n\r\t\v\\'\"?";
  const size_t at = kLetters.find(letter);
  return at == std::string_view::npos ? -1 : kBytes[at];
}

// Digits of an escape: at most `digits_max` of base 8 or 16. Advances `text`; -1 when there is none
// or they are no byte.
int take_number(std::string_view& text, int base, size_t digits_max) {
  int number = 0;
  size_t digits = 0;
  for (; digits < digits_max && digits < text.size(); ++digits) {
    const int digit = hex_digit(text[digits]);
    if (digit < 0 || digit >= base) break;
    number = number * base + digit;
  }
  text.remove_prefix(digits);
  return digits == 0 || number > 255 ? -1 : number;
}

// The byte that the escape after a backslash stands for, or -1. Advances `text` past it.
int take_escape(std::string_view& text) {
  if (text.empty()) return -1;
  const char letter = text.front();
  if (letter >= '0' && letter <= '7') return take_number(text, 8, 3);
  text.remove_prefix(1);
  if (letter == 'x' || letter == 'X') return take_number(text, 16, 2);
  return simple_escape(letter);
}

}  // namespace

std::optional<uint64_t> default_bits_of(Type type, std::string_view text) {
  using Int32 = std::numeric_limits<int32_t>;
  using Int64 = std::numeric_limits<int64_t>;
  switch (type) {
    case Type::Int32:
    case Type::Sint32:
    case Type::Sfixed32: return signed_bits(text, Int32::min(), Int32::max());
    case Type::Int64:
    case Type::Sint64:
    case Type::Sfixed64: return signed_bits(text, Int64::min(), Int64::max());
    case Type::Uint32:
    case Type::Fixed32: return unsigned_bits(text, UINT32_MAX);
    case Type::Uint64:
    case Type::Fixed64: return unsigned_bits(text, UINT64_MAX);
    case Type::Double: return double_bits(text);
    case Type::Float: return float_bits(text);
    case Type::Bool: return bool_bits(text);
    default: return std::nullopt;
  }
}

std::optional<std::string> unescape_bytes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    const int byte = c == '\\' ? take_escape(text) : static_cast<unsigned char>(c);
    if (byte < 0) return std::nullopt;
    out += static_cast<char>(byte);
  }
  return out;
}

}  // namespace parley::contract
