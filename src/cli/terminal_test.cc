#include "cli/terminal.h"

#include <array>

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

TEST(Terminal, colours_only_where_they_are_wanted) {
  EXPECT_EQ(coloured(Colour::Bold, "x", false), "x");
  EXPECT_EQ(coloured(Colour::Bold, "x", true), "\x1b[1mx\x1b[0m");
}

TEST(Terminal, marks_warnings) {
  contract::Problem warning{contract::Problem::Severity::Warning, "f", 1, 2, "what", "do"};
  contract::Problem error{contract::Problem::Severity::Error, "", 0, 0, "what", ""};
  EXPECT_EQ(text_of(std::array{warning, error}), "f:1:2: warning: what; do\nwhat\n");
}

}  // namespace
}  // namespace parley::cli
