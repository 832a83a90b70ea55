#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"

namespace parley::observe {

// How text from outside gets into a log line.
enum class Escape : uint8_t {
  Column,  // \xHH; a space too, for spaces separate columns
  Rest,    // \xHH; spaces stay: the last part of a line
  Json,    // the inside of a JSON string: \u00HH
};

// Appends at most `bytes_max` bytes: the text with everything escaped that could end a line, speak
// to a terminal or turn the direction of text; "..." where it was cut. Bytes that are not UTF-8
// become \xHH, in JSON U+FFFD.
void append_escaped(ByteBuffer& out, std::string_view text, Escape escape, size_t bytes_max);

void append_number(ByteBuffer& out, uint64_t number);

// "2026-01-31T23:59:59.123Z" (RFC 3339).
inline constexpr size_t kTimeBytes = 24;
void append_time(ByteBuffer& out, WallTime time);

// Three digits or a little more: "850us", "1.23ms", "45.6ms", "789ms", "1.23s".
void append_short_duration(ByteBuffer& out, Duration duration);
// Milliseconds with three decimals: "1.234".
void append_milliseconds(ByteBuffer& out, Duration duration);

}  // namespace parley::observe
