#include "config/nearest.h"

#include <array>

#include <gtest/gtest.h>

namespace parley::config {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"listeners", "upstreams", "log", "threads"};

TEST(Nearest, finds_a_misspelt_name) {
  EXPECT_EQ(nearest("lisetners", kNames), "listeners");
  EXPECT_EQ(nearest("upstream", kNames), "upstreams");
  EXPECT_EQ(nearest("THREADS", kNames), "threads");
  EXPECT_EQ(nearest("lgo", kNames), "log");
}

TEST(Nearest, finds_a_name_that_was_not_written_to_its_end) {
  EXPECT_EQ(nearest("listen", kNames), "listeners");
  EXPECT_EQ(nearest("lisen", kNames), "listeners");
  EXPECT_EQ(nearest("thr", kNames), "");
}

TEST(Nearest, takes_dashes_for_underscores) {
  constexpr std::array<std::string_view, 1> kOne = {"drain_timeout"};
  EXPECT_EQ(nearest("drain-timeout", kOne), "drain_timeout");
}

TEST(Nearest, finds_nothing_that_is_far) {
  EXPECT_EQ(nearest("policies", kNames), "");
  EXPECT_EQ(nearest("", kNames), "");
  EXPECT_EQ(nearest(std::string(100'000, 'l'), kNames), "");
}

TEST(Suggestion, lists_the_names_when_none_is_near) {
  EXPECT_EQ(suggestion("lop", kNames), "did you mean `log`?");
  EXPECT_EQ(suggestion("policies", kNames), "one of listeners, upstreams, log, threads");
}

}  // namespace
}  // namespace parley::config
