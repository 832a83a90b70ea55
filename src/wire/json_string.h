#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/avx2.h"

namespace parley::wire {

// The first byte at or after `at` that is no plain character of a JSON string: a quote, a backslash
// or a control character (RFC 8259, section 7). Looks at whole vectors: up to 64 bytes after `end`
// are read, and the result may lie there when there is none before `end`. Sets `high` when there
// are bytes of 0x80 and above on the way.
inline const char* plain_end(const char* at, const char* end, bool& high);

// The same for texts that may be long.
inline const char* long_plain_end(const char* at, const char* end, bool& high) {
  constexpr ptrdiff_t kShort = 32;
  const char* const short_end = end - at > kShort ? at + kShort : end;
  const char* const plain = plain_end(at, short_end, high);
  if (plain < short_end || short_end == end) return plain;
  return avx2::available() ? avx2::json_plain_end(plain, end, high) : plain_end(plain, end, high);
}

// Appends `text` in quotes, with what JSON demands escaped. REQUIRES: valid UTF-8.
void append_json_string(std::string& out, std::string_view text);

// Bytes that one character takes at most when escaped: \u0000.
inline constexpr size_t kEscapedMax = 6;

// Writes the escaped form of one control character, quote or backslash; returns the end.
char* put_json_escape(char* to, char c);

enum class EscapeProblem : uint8_t { None, Unknown, LoneSurrogate };

// Reads the escape at `at` (behind the backslash) and writes its UTF-8, at most 4 bytes. Both
// pointers move behind what was read and written. 64 bytes after `end` are readable.
EscapeProblem read_json_escape(const char*& at, const char* end, char*& to);

// What unescape() may write behind `limit`, and read behind `end`.
inline constexpr size_t kUnescapeBeyond = 32;

// Copies what stands in a JSON string from `at` on, with the characters that escapes stand for, up
// to what is neither plain nor an escape, or until `end` or `limit` is reached or passed. With a
// problem `at` is at the escape.
EscapeProblem unescape(const char*& at, const char* end, char*& to, const char* limit);

#ifdef __SSE2__
inline const char* plain_end(const char* at, const char* end, bool& high) {
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1F);
  int high_bits = 0;
  while (at < end) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i stop =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(block, control), block));
    const auto stops = static_cast<unsigned>(_mm_movemask_epi8(stop));
    const int highs = _mm_movemask_epi8(block);
    if (stops != 0) {
      const int before = std::countr_zero(stops);
      high = high || (high_bits | (highs & ((1 << before) - 1))) != 0;
      return at + before;
    }
    high_bits |= highs;
    at += 16;
  }
  high = high || high_bits != 0;
  return at;
}
#else
inline const char* plain_end(const char* at, const char* end, bool& high) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  constexpr uint64_t kHighs = 0x8080808080808080u;
  uint64_t high_bits = 0;
  const auto zero_bytes = [](uint64_t word) { return (word - kOnes) & ~word & kHighs; };
  while (at < end) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    const uint64_t stops = zero_bytes(word ^ kOnes * '"') | zero_bytes(word ^ kOnes * '\\') |
                           ((word - kOnes * 0x20) & ~word & kHighs);
    if (stops != 0) {
      const auto before = static_cast<unsigned>(std::countr_zero(stops)) / 8;
      high = high || ((high_bits | (word & ~(~uint64_t{0} << before * 8))) & kHighs) != 0;
      return at + before;
    }
    high_bits |= word;
    at += 8;
  }
  high = high || (high_bits & kHighs) != 0;
  return at;
}
#endif

}  // namespace parley::wire
