#include "door/list_field.h"

namespace parley::door {
namespace {

bool token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return ascii_alpha(c) || ascii_digit(c) || kMarks.find(c) != std::string_view::npos;
}

}  // namespace

std::string_view take_token(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), token_char);
  const auto size = static_cast<size_t>(end - text.begin());
  const std::string_view token = text.substr(0, size);
  text.remove_prefix(size);
  return token;
}

size_t quoted_size(std::string_view text) {
  if (text.empty() || text[0] != '"') return 0;
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return 0;
}

}  // namespace parley::door
