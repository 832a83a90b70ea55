#include "observe/log_text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/utf8.h"

namespace parley::observe {
namespace {

constexpr std::string_view kCut = "...";
constexpr char kHex[] = "0123456789abcdef";
constexpr int64_t kMicrosecond = 1'000;
constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;

constexpr bool needs_no_escape(char c, Escape escape) {
  if (c == '\\' || c == '\x7f') return false;
  if (escape == Escape::Json && c == '"') return false;
  return (c > ' ' && c < '\x7f') || (c == ' ' && escape != Escape::Column);
}

// For each byte a bit for each kind of escaping: whether it stands for itself.
constexpr std::array<uint8_t, 256> kPlain = [] {
  std::array<uint8_t, 256> table{};
  for (size_t byte = 0; byte < table.size(); ++byte)
    for (const Escape escape : {Escape::Column, Escape::Rest, Escape::Json})
      if (needs_no_escape(static_cast<char>(byte), escape))
        table[byte] = static_cast<uint8_t>(table[byte] | 1u << static_cast<unsigned>(escape));
  return table;
}();

size_t plain_prefix(std::string_view text, Escape escape) {
  const auto bit = static_cast<uint8_t>(1u << static_cast<unsigned>(escape));
  size_t size = 0;
  while (size < text.size() && (kPlain[static_cast<uint8_t>(text[size])] & bit) != 0) ++size;
  return size;
}

// The length of the UTF-8 sequence at the front; 0: there is none.
size_t sequence_length(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text.front());
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return length <= text.size() && utf8_valid(text.substr(0, length)) ? length : 0;
}

// U+0080-U+009F (controls), U+200E, U+200F, U+2028-U+202E and U+2066-U+2069 (direction, line ends).
bool is_dangerous(std::string_view sequence) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(sequence[i]); };
  if (byte(0) == 0xc2) return byte(1) < 0xa0;
  if (byte(0) != 0xe2 || sequence.size() != 3) return false;
  if (byte(1) == 0x80)
    return byte(2) == 0x8e || byte(2) == 0x8f || (byte(2) >= 0xa8 && byte(2) <= 0xae);
  return byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9;
}

// A few bytes that stand for one character.
class Escaped {
 public:
  std::string_view view() const { return {text_.data(), size_}; }
  void add(std::string_view part) {
    std::copy(part.begin(), part.end(), text_.begin() + size_);
    size_ = static_cast<uint8_t>(size_ + part.size());
  }
  void add_hex(std::string_view prefix, uint8_t byte) {
    const char digits[] = {kHex[byte >> 4], kHex[byte & 15]};
    add(prefix);
    add({digits, sizeof digits});
  }

 private:
  std::array<char, 16> text_;
  uint8_t size_ = 0;
};

// What to write for the character at the front of `text`, which is not plain; takes it off.
Escaped escape_front(std::string_view& text, Escape escape) {
  Escaped result;
  const bool json = escape == Escape::Json;
  const size_t length = sequence_length(text);
  const std::string_view sequence = text.substr(0, length == 0 ? 1 : length);
  text.remove_prefix(sequence.size());
  if (sequence[0] == '\\' || (json && sequence[0] == '"')) {
    result.add("\\");
    result.add(sequence);
  } else if (length > 1 && !is_dangerous(sequence)) {
    result.add(sequence);
  } else if (length == 0 && json) {
    result.add("\\ufffd");
  } else if (length > 1 && json) {
    const auto low = static_cast<uint8_t>(sequence.back() & 0x3f);
    const auto middle = static_cast<uint8_t>(sequence[1]);
    if (length == 2) {
      result.add_hex("\\u00", static_cast<uint8_t>(0x80 | low));
    } else {
      result.add_hex("\\u20", static_cast<uint8_t>((middle & 1) << 6 | low));
    }
  } else {
    for (const char c : sequence) result.add_hex(json ? "\\u00" : "\\x", static_cast<uint8_t>(c));
  }
  return result;
}

// `digits` digits with leading zeros.
void append_padded(ByteBuffer& out, uint64_t number, size_t digits) {
  char* const to = out.spare(digits);
  for (size_t i = digits; i-- > 0; number /= 10) to[i] = static_cast<char>('0' + number % 10);
  out.commit(digits);
}

// `value` / `unit` with `decimals` decimals, cut, not rounded.
void append_decimal(ByteBuffer& out, int64_t value, int64_t unit, size_t decimals) {
  append_number(out, static_cast<uint64_t>(value / unit));
  if (decimals == 0) return;
  int64_t scale = 1;
  for (size_t i = 0; i < decimals; ++i) scale *= 10;
  out.append('.');
  append_padded(out, static_cast<uint64_t>(value % unit / (unit / scale)), decimals);
}

}  // namespace

void append_escaped(ByteBuffer& out, std::string_view text, Escape escape, size_t bytes_max) {
  size_t room = bytes_max - std::min(bytes_max, kCut.size());
  while (!text.empty()) {
    const size_t plain = std::min(plain_prefix(text, escape), room);
    if (plain > 0) out.append(text.substr(0, plain));
    room -= plain;
    text.remove_prefix(plain);
    if (text.empty()) return;
    if (room == 0) break;
    const Escaped escaped = escape_front(text, escape);
    if (escaped.view().size() > room) {
      text = kCut;
      break;
    }
    out.append(escaped.view());
    room -= escaped.view().size();
  }
  if (!text.empty()) out.append(kCut);
}

void append_number(ByteBuffer& out, uint64_t number) {
  constexpr size_t kDigitsMax = 20;
  char* const to = out.spare(kDigitsMax);
  out.commit(static_cast<size_t>(std::to_chars(to, to + kDigitsMax, number).ptr - to));
}

void append_time(ByteBuffer& out, WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto of_day = std::chrono::duration_cast<std::chrono::milliseconds>(time - day).count();
  const auto milliseconds = static_cast<uint64_t>(of_day);
  append_padded(out, static_cast<uint64_t>(std::max(static_cast<int>(date.year()), 0)), 4);
  out.append('-');
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out.append('-');
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out.append('T');
  append_padded(out, milliseconds / 3'600'000, 2);
  out.append(':');
  append_padded(out, milliseconds / 60'000 % 60, 2);
  out.append(':');
  append_padded(out, milliseconds / 1'000 % 60, 2);
  out.append('.');
  append_padded(out, milliseconds % 1'000, 3);
  out.append('Z');
}

void append_short_duration(ByteBuffer& out, Duration duration) {
  const int64_t value = std::max<int64_t>(duration.count(), 0);
  if (value < kMillisecond) {
    append_number(out, static_cast<uint64_t>(value / kMicrosecond));
    out.append("us");
    return;
  }
  const int64_t unit = value < kSecond ? kMillisecond : kSecond;
  const int64_t whole = value / unit;
  append_decimal(out, value, unit, whole < 10 ? 2 : whole < 100 ? 1 : 0);
  out.append(unit == kSecond ? "s" : "ms");
}

void append_milliseconds(ByteBuffer& out, Duration duration) {
  append_decimal(out, std::max<int64_t>(duration.count(), 0), kMillisecond, 3);
}

}  // namespace parley::observe
