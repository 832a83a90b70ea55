#pragma once

#include <span>
#include <string>
#include <string_view>

namespace parley::config {

// The name that someone who wrote `wrong` probably meant; empty: none is near.
std::string_view nearest(std::string_view wrong, std::span<const std::string_view> names);

// "did you mean `listen`?", or, when none is near, "one of a, b, c".
std::string suggestion(std::string_view wrong, std::span<const std::string_view> names);

// "a, b, c": for messages.
std::string joined(std::span<const std::string_view> names);

}  // namespace parley::config
