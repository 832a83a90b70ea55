#include "config/settings.h"

#include <gtest/gtest.h>

namespace parley::config {
namespace {

std::vector<std::string> problems_of(const Flags& flags) {
  std::vector<std::string> texts;
  for (const contract::Problem& problem : load(flags).problems) texts.push_back(problem.text());
  return texts;
}

using Strings = std::vector<std::string>;

TEST(Settings, need_an_upstream) {
  EXPECT_EQ(problems_of({}), Strings{"no upstream is named; say where a gRPC service is: "
                                     "--upstream 127.0.0.1:50051"});
  EXPECT_TRUE(load({}).flags_only);
}

TEST(Settings, are_complete_with_one_flag) {
  const Loaded loaded = load({.upstreams = {"127.0.0.1:50051"}});
  EXPECT_TRUE(loaded.problems.empty());
  EXPECT_EQ(loaded.settings.listeners.at(0).address, "127.0.0.1:8080");
  EXPECT_EQ(loaded.settings.admin, "127.0.0.1:8081");
}

TEST(Settings, refuse_one_address_twice) {
  EXPECT_EQ(problems_of({.upstreams = {"a:1"}, .listen = {"[::1]:1", "[::1]:1"}}).size(), 1u);
  EXPECT_EQ(problems_of({.upstreams = {"a:1"}, .listen = {"[::1]:1"}, .admin = "[::1]:1"}).size(),
            1u);
  EXPECT_EQ(
      problems_of({.upstreams = {"a:1"}, .listen = {"[::1]:0", "[::1]:0"}, .admin = "[::1]:0"}),
      Strings{});
}

TEST(Settings, report_the_problems_of_file_and_flags_together) {
  const Loaded loaded = load({.config = "src/config/testdata/wrong.yaml", .threads = "none"});
  EXPECT_FALSE(loaded.flags_only);
  ASSERT_EQ(loaded.problems.size(), 3u);
  EXPECT_EQ(loaded.problems[0].text(),
            "src/config/testdata/wrong.yaml:2:1: unknown key `lisen`; did you mean `listeners`?");
  EXPECT_EQ(loaded.problems[1].text(),
            "src/config/testdata/wrong.yaml:4:19: header_timeout: `5x` is no duration; write "
            "250ms, 5s, 1m30s or 1h");
  EXPECT_EQ(loaded.problems[2].text(),
            "--threads none: `none` is no number; write digits, as in 128");
}

}  // namespace
}  // namespace parley::config
