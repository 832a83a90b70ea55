#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/ascii.h"

namespace parley::door {

// What header fields that hold lists are made of (RFC 9110, 5.6).

// Takes a token off the front of `text`; empty: there is none.
std::string_view take_token(std::string_view& text);

// The size of the quoted string at the front, quotes included; 0: none, or not closed.
size_t quoted_size(std::string_view text);

// Calls `each` for the members of a list that commas separate, but for those in quotes.
template <typename Each>
void for_each_member(std::string_view list, Each each) {
  while (!list.empty()) {
    size_t end = 0;
    while (end < list.size() && list[end] != ',')
      end += std::max<size_t>(1, quoted_size(list.substr(end)));
    const std::string_view member = trim_ows(list.substr(0, end));
    if (!member.empty()) each(member);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

}  // namespace parley::door
