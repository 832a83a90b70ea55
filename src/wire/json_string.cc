#include "wire/json_string.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace parley::wire {
namespace {

constexpr auto kHexDigits = [] {
  std::array<int8_t, 256> digits{};
  for (size_t c = 0; c < digits.size(); ++c)
    digits[c] = static_cast<int8_t>(hex_digit(static_cast<char>(c)));
  return digits;
}();

// What stands for itself behind a backslash, or for a control character; 0: nothing does.
constexpr auto kSimpleEscapes = [] {
  std::array<char, 256> escapes{};
  for (const char c : {'"', '\\', '/'}) escapes[static_cast<uint8_t>(c)] = c;
  escapes['b'] = '\b';
  escapes['f'] = '\f';
  escapes['n'] = '\n';
  escapes['r'] = '\r';
  escapes['t'] = '\t';
  return escapes;
}();

// The four hexadecimal digits at `at`, or something negative.
int32_t hex4(const char* at, const char* end) {
  if (end - at < 4) return -1;
  const auto digit = [&](size_t i) { return int32_t{kHexDigits[static_cast<uint8_t>(at[i])]}; };
  return digit(0) * 4096 | digit(1) * 256 | digit(2) * 16 | digit(3);
}

char* put_utf8(char* to, uint32_t c) {
  const auto put = [&](uint32_t byte) { *to++ = static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
  return to;
}

// `at` is behind "\u". A pair of surrogates is one character (RFC 8259, section 7).
EscapeProblem read_unicode(const char*& at, const char* end, char*& to) {
  const int32_t unit = hex4(at, end);
  if (unit < 0) return EscapeProblem::Unknown;
  at += 4;
  auto code_point = static_cast<uint32_t>(unit);
  if (unit >= 0xD800 && unit < 0xE000) {
    if (unit >= 0xDC00 || end - at < 6 || at[0] != '\\' || at[1] != 'u')
      return EscapeProblem::LoneSurrogate;
    const int32_t low = hex4(at + 2, end);
    if (low < 0xDC00 || low >= 0xE000) return EscapeProblem::LoneSurrogate;
    at += 6;
    code_point = 0x10000 + ((code_point & 0x3FF) << 10 | (static_cast<uint32_t>(low) & 0x3FF));
  }
  to = put_utf8(to, code_point);
  return EscapeProblem::None;
}

}  // namespace

EscapeProblem read_json_escape(const char*& at, const char* end, char*& to) {
  if (at >= end) return EscapeProblem::Unknown;
  const char c = *at++;
  if (const char simple = kSimpleEscapes[static_cast<uint8_t>(c)]) {
    *to++ = simple;
    return EscapeProblem::None;
  }
  return c == 'u' ? read_unicode(at, end, to) : EscapeProblem::Unknown;
}

EscapeProblem unescape(const char*& at, const char* end, char*& to, const char* limit) {
  constexpr ptrdiff_t kBlock = 16;
  bool high = false;
  while (at < end && to < limit) {
    // A block is copied whole, whatever stands in it.
    const char* const plain = plain_end(at, at + 1, high);
    std::memcpy(to, at, kBlock);
    const ptrdiff_t size = std::min(plain - at, kBlock);
    at += size;
    to += size;
    while (at < end && *at == '\\') {
      const char* next = at + 1;
      const EscapeProblem problem = read_json_escape(next, end, to);
      if (problem != EscapeProblem::None) return problem;
      at = next;
      if (to >= limit) break;
    }
    if (size < kBlock && (at >= end || *at == '"' || static_cast<uint8_t>(*at) < 0x20)) break;
  }
  return EscapeProblem::None;
}

char* put_json_escape(char* to, char c) {
  *to++ = '\\';
  switch (c) {
    case '"':
    case '\\': *to++ = c; return to;
    case '\b': *to++ = 'b'; return to;
    case '\f': *to++ = 'f'; return to;
    case '\n': *to++ = 'n'; return to;
    case '\r': *to++ = 'r'; return to;
    case '\t': *to++ = 't'; return to;
    default: break;
  }
  constexpr char kHex[] = "0123456789abcdef";
  std::memcpy(to, "u00", 3);
  to[3] = kHex[static_cast<uint8_t>(c) >> 4];
  to[4] = kHex[static_cast<uint8_t>(c) & 15];
  return to + 5;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    char escape[kEscapedMax];
    if (static_cast<uint8_t>(c) < 0x20 || c == '"' || c == '\\')
      out.append(escape, static_cast<size_t>(put_json_escape(escape, c) - escape));
    else
      out += c;
  }
  out += '"';
}

}  // namespace parley::wire
