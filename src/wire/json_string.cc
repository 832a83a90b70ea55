#include "wire/json_string.h"

#include "base/ascii.h"

namespace parley::wire {
namespace {

// The four hexadecimal digits at `at`, or -1.
int32_t hex4(const char* at, const char* end) {
  if (end - at < 4) return -1;
  int32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(at[i]);
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
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
  switch (c) {
    case '"':
    case '\\':
    case '/': *to++ = c; return EscapeProblem::None;
    case 'b': *to++ = '\b'; return EscapeProblem::None;
    case 'f': *to++ = '\f'; return EscapeProblem::None;
    case 'n': *to++ = '\n'; return EscapeProblem::None;
    case 'r': *to++ = '\r'; return EscapeProblem::None;
    case 't': *to++ = '\t'; return EscapeProblem::None;
    case 'u': return read_unicode(at, end, to);
    default: return EscapeProblem::Unknown;
  }
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
