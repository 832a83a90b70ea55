#include "door/request_id.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace parley::door {
namespace {

constexpr size_t kIdBytesMax = 128;
constexpr size_t kWords = 2;
constexpr std::string_view kHex = "0123456789abcdef";

bool is_sane(std::string_view id) {
  return !id.empty() && id.size() <= kIdBytesMax && std::all_of(id.begin(), id.end(), [](char c) {
    return ascii_alpha(c) || ascii_digit(c) || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace

std::string request_id(std::string_view sent, Random& random) {
  if (is_sane(sent)) return std::string(sent);
  std::array<char, kWords * 16> id;
  char* to = id.data();
  for (size_t i = 0; i < kWords; ++i) {
    uint64_t word = random.next();
    for (int digit = 0; digit < 16; ++digit, word >>= 4) *to++ = kHex[word & 15];
  }
  return {id.data(), id.size()};
}

}  // namespace parley::door
