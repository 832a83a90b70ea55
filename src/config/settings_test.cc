#include "config/settings.h"

#include <fstream>

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

// The problems of a file with this text, without its folder.
Strings problems_of_file(const std::string& text, Flags flags = {}) {
  const std::string folder = testing::TempDir();
  flags.config = folder + "parley.yaml";
  std::ofstream(*flags.config) << text;
  Strings problems = problems_of(flags);
  for (std::string& one : problems) {
    EXPECT_TRUE(one.starts_with(folder)) << one;
    one = one.substr(folder.size(), one.find(';') - folder.size());
  }
  return problems;
}

TEST(Settings, say_where_the_file_names_an_address_twice) {
  EXPECT_EQ(problems_of_file("upstreams: {a: 'a:1'}\nlisteners:\n  - '[::1]:1'\n"
                             "  - {serve: [api], address: '[::1]:1'}\n"),
            Strings{"parley.yaml:4:29: two listeners have the address [::1]:1"});
  EXPECT_EQ(problems_of_file("upstreams: {a: 'a:1'}\nlisteners: ['[::1]:1']\n"
                             "admin: {address: '[::1]:1'}\n"),
            Strings{"parley.yaml:3:18: a listener and admin have the address [::1]:1"});
}

TEST(Settings, say_which_file_names_no_upstream) {
  EXPECT_EQ(problems_of_file("log: json\n"), Strings{"parley.yaml: no upstream is named"});
  EXPECT_EQ(problems_of_file("log: json\nupstreams: {}\n"),
            Strings{"parley.yaml:2:12: no upstream is named"});
}

TEST(Settings, do_not_blame_the_file_for_what_a_flag_says) {
  const std::string text = "upstreams: {a: 'a:1'}\nlisteners: ['[::1]:1']\nadmin: '[::1]:2'\n";
  Flags flags{.config = testing::TempDir() + "parley.yaml", .admin = "[::1]:1"};
  std::ofstream(*flags.config) << text;
  EXPECT_TRUE(problems_of(flags).at(0).starts_with("a listener and admin have the address"));
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
