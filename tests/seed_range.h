#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace parley {

// Which seeds a program runs: `--seed 7`, `--seeds 1..400`.
struct SeedRange {
  uint64_t first = 0;
  uint64_t last = 0;

  uint64_t count() const { return last - first + 1; }

  // Takes a number, and nothing else.
  static bool read_number(std::string_view text, uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  }

  // The argument and its value; false: it is another one, or the value is none.
  bool read(std::string_view argument, std::string_view value) {
    if (argument == "--seed" && read_number(value, first)) {
      last = first;
      return true;
    }
    const size_t dots = value.find("..");
    return argument == "--seeds" && dots != std::string_view::npos &&
           read_number(value.substr(0, dots), first) && read_number(value.substr(dots + 2), last);
  }
};

}  // namespace parley
