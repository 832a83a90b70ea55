#include "base/base64.h"

#include <array>
#include <cstdint>

#include "base/avx2.h"

namespace parley {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kBad = 0xFF;
constexpr size_t kWideMin = 48;  // bytes; below, the short way is the quicker one

constexpr std::array<uint8_t, 256> values_of(Base64 alphabet) {
  std::array<uint8_t, 256> values{};
  values.fill(kBad);
  for (size_t i = 0; i < 62; ++i)
    values[static_cast<uint8_t>(kDigits[i])] = static_cast<uint8_t>(i);
  if (alphabet != Base64::Url) {
    values['+'] = 62;
    values['/'] = 63;
  }
  if (alphabet != Base64::Standard) {
    values['-'] = 62;
    values['_'] = 63;
  }
  return values;
}
constexpr std::array<std::array<uint8_t, 256>, 3> kValues = {
    values_of(Base64::Standard), values_of(Base64::Url), values_of(Base64::Either)};

constexpr uint32_t byte_at(std::string_view text, size_t i) {
  return static_cast<uint8_t>(text[i]);
}

}  // namespace

char* base64_encode(std::string_view in, char* out) {
  size_t i = 0;
  if (in.size() >= kWideMin && avx2::available()) {
    i = avx2::base64_encode(in, out);
    out += i / 3 * 4;
  }
  for (; i + 3 <= in.size(); i += 3) {
    const uint32_t group = byte_at(in, i) << 16 | byte_at(in, i + 1) << 8 | byte_at(in, i + 2);
    *out++ = kDigits[group >> 18];
    *out++ = kDigits[group >> 12 & 63];
    *out++ = kDigits[group >> 6 & 63];
    *out++ = kDigits[group & 63];
  }
  if (const size_t rest = in.size() - i; rest > 0) {
    const uint32_t group = byte_at(in, i) << 16 | (rest == 2 ? byte_at(in, i + 1) << 8 : 0);
    *out++ = kDigits[group >> 18];
    *out++ = kDigits[group >> 12 & 63];
    *out++ = rest == 2 ? kDigits[group >> 6 & 63] : '=';
    *out++ = '=';
  }
  return out;
}

std::string base64_encode(std::string_view in) {
  std::string out(base64_size(in.size()), '\0');
  base64_encode(in, out.data());
  return out;
}

std::optional<size_t> base64_decode(std::string_view in, Base64 alphabet, char* out) {
  if (in.size() % 4 == 0 && in.ends_with('=')) in.remove_suffix(in.ends_with("==") ? 2 : 1);
  if (in.size() % 4 == 1) return std::nullopt;
  const auto& values = kValues[static_cast<size_t>(alphabet)];
  const char* const start = out;
  size_t i = 0;
  if (in.size() >= kWideMin && avx2::available()) {
    i = avx2::base64_decode(in, alphabet, out);
    out += i / 4 * 3;
  }
  uint32_t bad = 0;
  const auto digit = [&](size_t at) {
    const uint8_t value = values[static_cast<uint8_t>(in[at])];
    bad |= value & 0x80u;
    return static_cast<uint32_t>(value & 63);
  };
  for (; i + 4 <= in.size(); i += 4) {
    const uint32_t group = digit(i) << 18 | digit(i + 1) << 12 | digit(i + 2) << 6 | digit(i + 3);
    *out++ = static_cast<char>(group >> 16);
    *out++ = static_cast<char>(group >> 8);
    *out++ = static_cast<char>(group);
  }
  if (const size_t rest = in.size() - i; rest > 0) {
    const uint32_t group =
        digit(i) << 18 | digit(i + 1) << 12 | (rest == 3 ? digit(i + 2) << 6 : 0);
    *out++ = static_cast<char>(group >> 16);
    if (rest == 3) *out++ = static_cast<char>(group >> 8);
  }
  if (bad) return std::nullopt;
  return static_cast<size_t>(out - start);
}

std::optional<std::string> base64_decode(std::string_view in, Base64 alphabet) {
  std::string out(in.size() / 4 * 3 + 3, '\0');
  const auto size = base64_decode(in, alphabet, out.data());
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

}  // namespace parley
