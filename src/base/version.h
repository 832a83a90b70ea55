#pragma once

#include <string_view>

namespace parley {

// As CMakeLists.txt's project() has it; `parley --version`.
inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace parley
