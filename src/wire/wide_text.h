#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

// For functions of the quick loops, which keep what they work on in registers.
#define PARLEY_INLINE [[gnu::always_inline]] inline

namespace parley::wire {

inline constexpr size_t kWide = 32;  // bytes that are looked at, or copied, at once

#ifdef __SSE2__
// kWide bytes of text.
class WideText {
 public:
  // All of them are readable, whether they are text or not.
  PARLEY_INLINE explicit WideText(const char* at)
      : first_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))),
        second_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at) + 1)) {}

  // Which bytes are no plain ASCII of a JSON string, as bits: quotes, backslashes, control
  // characters, and what is 0x80 or above.
  PARLEY_INLINE uint32_t stops() const { return stops_of(first_) | stops_of(second_) << 16; }

  PARLEY_INLINE void store(char* to) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), first_);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to) + 1, second_);
  }

 private:
  PARLEY_INLINE static uint32_t stops_of(__m128i block) {
    // Signed: what is below a space is a control character, or no ASCII.
    const __m128i low = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
    const __m128i escaped = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                                         _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
    return static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(low, escaped)));
  }

  __m128i first_;
  __m128i second_;
};
#endif

}  // namespace parley::wire
