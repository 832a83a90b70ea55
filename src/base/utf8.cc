#include "base/utf8.h"

#include <cstring>

#include "base/avx2.h"

namespace parley {
namespace {

constexpr size_t kWideMin = 32;  // bytes; below, the short way is the quicker one

// The size of the well-formed sequence at `p` (Unicode, table 3-7), or 0.
size_t sequence_size(const unsigned char* p, size_t left) {
  const unsigned char lead = p[0];
  const auto follows = [&](size_t i, unsigned char low, unsigned char high) {
    return p[i] >= low && p[i] <= high;
  };
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return left >= 2 && follows(1, 0x80, 0xBF) ? 2 : 0;
  if (lead < 0xF0) {
    const unsigned char low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned char high = lead == 0xED ? 0x9F : 0xBF;
    return left >= 3 && follows(1, low, high) && follows(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead < 0xF5) {
    const unsigned char low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xF4 ? 0x8F : 0xBF;
    return left >= 4 && follows(1, low, high) && follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF)
               ? 4
               : 0;
  }
  return 0;
}

}  // namespace

size_t utf8_valid_prefix(std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t i = 0;
  while (i < text.size()) {
    uint64_t word;
    while (i + sizeof word <= text.size()) {
      std::memcpy(&word, bytes + i, sizeof word);
      if (word & 0x8080808080808080u) break;
      i += sizeof word;
    }
    if (i == text.size()) break;
    const size_t size = sequence_size(bytes + i, text.size() - i);
    if (size == 0) return i;
    i += size;
  }
  return i;
}

bool utf8_valid(std::string_view text) {
  if (text.size() >= kWideMin && avx2::available()) return avx2::utf8_valid(text);
  return utf8_valid_prefix(text) == text.size();
}

void utf8_append(std::string& out, uint32_t c) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
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
}

std::string utf8_repaired(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t good = utf8_valid_prefix(text);
    out += text.substr(0, good);
    text.remove_prefix(good);
    if (!text.empty()) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace parley
