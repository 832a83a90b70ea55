#include "base/avx2.h"

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace parley::avx2 {

#if defined(__x86_64__)

#define PARLEY_AVX2 __attribute__((target("avx2")))

namespace {

const bool has_avx2 = [] {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}();

PARLEY_AVX2 __m256i load(const char* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

// The same 16 entries in both halves, since a shuffle looks into its own half only.
PARLEY_AVX2 __m256i table(char a, char b, char c, char d, char e, char f, char g, char h, char i,
                          char j, char k, char l, char m, char n, char o, char p) {
  return _mm256_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p,  //
                          a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
}

PARLEY_AVX2 __m256i nibbles_high(__m256i bytes) {
  return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0F));
}

// What is wrong with two bytes in a row, one bit for each way (Unicode, table 3-7). Three tables,
// by the halves of the first byte and the upper half of the second, say which ways are open; what
// all three leave open is wrong. After Keiser and Lemire, "Validating UTF-8 in less than one
// instruction per byte" (2021).
enum Wrong : unsigned char {
  kTooShort = 1 << 0,      // a lead without its continuation
  kTooLong = 1 << 1,       // a continuation behind ASCII
  kOverlong3 = 1 << 2,     // E0 80..9F
  kTooLarge = 1 << 3,      // F4 90.. and above
  kSurrogate = 1 << 4,     // ED A0..BF
  kOverlong2 = 1 << 5,     // C0, C1
  kTooLarge1000 = 1 << 6,  // F5.. 80..8F, and F0 80..8F, which is overlong
  kTwoContinuations = 1 << 7,
};

PARLEY_AVX2 __m256i wrong_pairs(__m256i first, __m256i second) {
  constexpr char kAnyLow = static_cast<char>(kTooShort | kTooLong | kTwoContinuations);
  constexpr char kLarge = static_cast<char>(kAnyLow | kTooLarge | kTooLarge1000);
  constexpr char kTwo = static_cast<char>(kTwoContinuations);
  const __m256i first_high = table(
      kTooLong, kTooLong, kTooLong, kTooLong, kTooLong, kTooLong, kTooLong, kTooLong,  // ASCII
      kTwo, kTwo, kTwo, kTwo,                                                          // 80..BF
      kTooShort | kOverlong2, kTooShort, kTooShort | kOverlong3 | kSurrogate,
      kTooShort | kTooLarge | kTooLarge1000);
  const __m256i first_low =
      table(static_cast<char>(kAnyLow | kOverlong3 | kOverlong2 | kTooLarge1000),
            static_cast<char>(kAnyLow | kOverlong2), kAnyLow, kAnyLow,
            static_cast<char>(kAnyLow | kTooLarge), kLarge, kLarge, kLarge, kLarge, kLarge, kLarge,
            kLarge, kLarge, static_cast<char>(kLarge | kSurrogate), kLarge, kLarge);
  constexpr int kContinues = kTooLong | kOverlong2 | kTwoContinuations;
  const __m256i second_high =
      table(kTooShort, kTooShort, kTooShort, kTooShort, kTooShort, kTooShort, kTooShort, kTooShort,
            static_cast<char>(kContinues | kOverlong3 | kTooLarge1000),
            static_cast<char>(kContinues | kOverlong3 | kTooLarge),
            static_cast<char>(kContinues | kSurrogate | kTooLarge),
            static_cast<char>(kContinues | kSurrogate | kTooLarge), kTooShort, kTooShort, kTooShort,
            kTooShort);
  const __m256i low = _mm256_and_si256(first, _mm256_set1_epi8(0x0F));
  return _mm256_and_si256(_mm256_and_si256(_mm256_shuffle_epi8(first_high, nibbles_high(first)),
                                           _mm256_shuffle_epi8(first_low, low)),
                          _mm256_shuffle_epi8(second_high, nibbles_high(second)));
}

// Walks over a text in blocks of 32 bytes.
class Utf8Check {
 public:
  PARLEY_AVX2 Utf8Check()
      : before_(_mm256_setzero_si256()), wrong_(before_), unfinished_(before_) {}

  PARLEY_AVX2 void block(const char* at) {
    const __m256i bytes = load(at);
    if (_mm256_movemask_epi8(bytes) == 0) {
      wrong_ = _mm256_or_si256(wrong_, unfinished_);
      unfinished_ = _mm256_setzero_si256();
      before_ = bytes;
      return;
    }
    // The text one, two and three bytes earlier.
    const __m256i across = _mm256_permute2x128_si256(before_, bytes, 0x21);
    const __m256i back1 = _mm256_alignr_epi8(bytes, across, 15);
    const __m256i back2 = _mm256_alignr_epi8(bytes, across, 14);
    const __m256i back3 = _mm256_alignr_epi8(bytes, across, 13);
    // The third byte behind E0.., the third and fourth behind F0.. have to be continuations, and
    // are the only ones that may stand behind another.
    const __m256i third = _mm256_subs_epu8(back2, _mm256_set1_epi8(0xE0 - 0x80));
    const __m256i fourth = _mm256_subs_epu8(back3, _mm256_set1_epi8(0xF0 - 0x80));
    const __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth),
                                         _mm256_set1_epi8(static_cast<char>(kTwoContinuations)));
    wrong_ = _mm256_or_si256(wrong_, _mm256_xor_si256(due, wrong_pairs(back1, bytes)));
    unfinished_ = _mm256_subs_epu8(bytes, last_leads());
    before_ = bytes;
  }

  PARLEY_AVX2 bool good() const {
    const __m256i wrong = _mm256_or_si256(wrong_, unfinished_);
    return _mm256_testz_si256(wrong, wrong) != 0;
  }

 private:
  // Above these the last three bytes of a block are leads whose sequence goes on in the next.
  PARLEY_AVX2 static __m256i last_leads() {
    constexpr char kAny = -1;
    return _mm256_setr_epi8(kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny,
                            kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny,
                            kAny, kAny, kAny, kAny, kAny, static_cast<char>(0xF0 - 1),
                            static_cast<char>(0xE0 - 1), static_cast<char>(0xC0 - 1));
  }

  __m256i before_;
  __m256i wrong_;
  __m256i unfinished_;  // not zero: the last block ended within a sequence
};

// 24 bytes as 32 digits (after Muła and Lemire, "Faster Base64 Encoding and Decoding Using AVX2
// Instructions", 2018): each half has 12 bytes, of which each three become four values of 6 bits.
PARLEY_AVX2 __m256i six_bit_values(__m256i bytes) {
  const __m256i spread =
      _mm256_shuffle_epi8(bytes, table(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  // Multiplied by powers of two, the parts of each 16 bits move to where they belong.
  const __m256i outer = _mm256_mulhi_epu16(_mm256_and_si256(spread, _mm256_set1_epi32(0x0FC0FC00)),
                                           _mm256_set1_epi32(0x04000040));
  const __m256i inner = _mm256_mullo_epi16(_mm256_and_si256(spread, _mm256_set1_epi32(0x003F03F0)),
                                           _mm256_set1_epi32(0x01000010));
  return _mm256_or_si256(outer, inner);
}

PARLEY_AVX2 __m256i digits_of(__m256i values) {
  // The distance to the digit: by 0 for a..z, 1..10 for 0..9, 11 for '+', 12 for '/', 13 for A..Z.
  const __m256i distance =
      table('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
            '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
  const __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), values);
  const __m256i range = _mm256_or_si256(_mm256_subs_epu8(values, _mm256_set1_epi8(51)),
                                        _mm256_and_si256(upper, _mm256_set1_epi8(13)));
  return _mm256_add_epi8(values, _mm256_shuffle_epi8(distance, range));
}

// The digits as the standard alphabet has them; `bad` gets bits for those of another alphabet.
PARLEY_AVX2 __m256i standard_digits(__m256i digits, Base64 alphabet, __m256i& bad) {
  if (alphabet == Base64::Standard) return digits;
  const __m256i plus = _mm256_set1_epi8('+');
  const __m256i slash = _mm256_set1_epi8('/');
  if (alphabet == Base64::Url)
    bad = _mm256_or_si256(_mm256_cmpeq_epi8(digits, plus), _mm256_cmpeq_epi8(digits, slash));
  const __m256i minus = _mm256_cmpeq_epi8(digits, _mm256_set1_epi8('-'));
  const __m256i underscore = _mm256_cmpeq_epi8(digits, _mm256_set1_epi8('_'));
  return _mm256_blendv_epi8(_mm256_blendv_epi8(digits, plus, minus), slash, underscore);
}

// 32 digits as values of 6 bits; false: there is something else among them.
PARLEY_AVX2 bool values_of(__m256i digits, Base64 alphabet, __m256i& values) {
  __m256i bad = _mm256_setzero_si256();
  digits = standard_digits(digits, alphabet, bad);
  // A byte is no digit when the tables by its two halves have a bit in common. '/' alone would go
  // with the range of '+': its upper half counts as one less.
  const __m256i by_low = table(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13,
                               0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
  const __m256i by_high = table(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10,
                                0x10, 0x10, 0x10, 0x10, 0x10);
  const __m256i distance = table(0, 63 - '/', 62 - '+', 52 - '0', 0 - 'A', 0 - 'A', 26 - 'a',
                                 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0);
  const __m256i high = nibbles_high(digits);
  const __m256i low = _mm256_and_si256(digits, _mm256_set1_epi8(0x0F));
  bad = _mm256_or_si256(
      bad, _mm256_and_si256(_mm256_shuffle_epi8(by_low, low), _mm256_shuffle_epi8(by_high, high)));
  if (!_mm256_testz_si256(bad, bad)) return false;
  const __m256i slash = _mm256_cmpeq_epi8(digits, _mm256_set1_epi8('/'));
  values = _mm256_add_epi8(digits, _mm256_shuffle_epi8(distance, _mm256_add_epi8(high, slash)));
  return true;
}

// 32 values of 6 bits as 24 bytes, and 8 more that mean nothing.
PARLEY_AVX2 __m256i joined(__m256i values) {
  const __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
  const __m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
  const __m256i halves =
      _mm256_shuffle_epi8(groups, table(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
  return _mm256_permutevar8x32_epi32(halves, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
}

}  // namespace

bool available() { return has_avx2; }

PARLEY_AVX2 bool utf8_valid(std::string_view text) {
  Utf8Check check;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (; end - at >= 32; at += 32) check.block(at);
  char last[32] = {};
  if (at != end) std::memcpy(last, at, static_cast<size_t>(end - at));
  check.block(last);
  return check.good();
}

PARLEY_AVX2 const char* json_plain_end(const char* at, const char* end, bool& high) {
  __m256i seen = _mm256_setzero_si256();
  for (; at < end; at += 32) {
    const __m256i bytes = load(at);
    const __m256i control =
        _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1F)), bytes);
    const __m256i escaped = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"')),
                                            _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\')));
    const auto stops =
        static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(control, escaped)));
    if (stops != 0) {
      const int before = std::countr_zero(stops);
      const auto highs = static_cast<uint32_t>(_mm256_movemask_epi8(bytes));
      high = high || (highs & ((uint32_t{1} << before) - 1)) != 0;
      at += before;
      break;
    }
    seen = _mm256_or_si256(seen, bytes);
  }
  high = high || _mm256_movemask_epi8(seen) != 0;
  return at;
}

PARLEY_AVX2 size_t base64_encode(std::string_view in, char* out) {
  size_t at = 0;
  // Reads 28 bytes for 24.
  for (; in.size() - at >= 28; at += 24, out += 32) {
    const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in.data() + at));
    const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in.data() + at + 12));
    const __m256i digits = digits_of(six_bit_values(_mm256_set_m128i(second, first)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), digits);
  }
  return at;
}

PARLEY_AVX2 size_t base64_decode(std::string_view in, Base64 alphabet, char* out) {
  size_t at = 0;
  // Writes 32 bytes for 24.
  for (; in.size() - at >= 44; at += 32, out += 24) {
    __m256i values;
    if (!values_of(load(in.data() + at), alphabet, values)) break;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), joined(values));
  }
  return at;
}

#undef PARLEY_AVX2

#else

bool available() { return false; }
bool utf8_valid(std::string_view) { return false; }
const char* json_plain_end(const char* at, const char*, bool&) { return at; }
size_t base64_encode(std::string_view, char*) { return 0; }
size_t base64_decode(std::string_view, Base64, char*) { return 0; }

#endif

}  // namespace parley::avx2
