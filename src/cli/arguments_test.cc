#include "cli/arguments.h"

#include <sstream>
#include <vector>

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

using Strings = std::vector<std::string>;

Parsed parsed(std::initializer_list<std::string_view> words) {
  return parse(std::vector<std::string_view>(words));
}

std::string complaint(std::initializer_list<std::string_view> words) {
  const Parsed result = parsed(words);
  EXPECT_EQ(result.exit_status, kExitUsage);
  EXPECT_FALSE(result.arguments);
  return result.text;
}

TEST(Arguments, take_every_flag_of_serve) {
  const Parsed result = parsed({"serve",
                                "--upstream",
                                "users=a:1,b:2",
                                "-u",
                                "c:3",
                                "--listen=[::1]:8080",
                                "-l",
                                "unix:/run/x",
                                "--expose",
                                "annotated",
                                "--proto",
                                "a.proto",
                                "b.proto",
                                "-I",
                                "protos",
                                "-Imore",
                                "--descriptor-set",
                                "c:3=x.binpb",
                                "--config",
                                "parley.yaml",
                                "--admin",
                                "off",
                                "--threads",
                                "4",
                                "--log=json"});
  ASSERT_TRUE(result.arguments) << result.text;
  EXPECT_EQ(result.arguments->verb, Verb::Serve);
  const config::Flags& flags = result.arguments->flags;
  EXPECT_EQ(flags.upstreams, (Strings{"users=a:1,b:2", "c:3"}));
  EXPECT_EQ(flags.listen, (Strings{"[::1]:8080", "unix:/run/x"}));
  EXPECT_EQ(flags.expose, Strings{"annotated"});
  EXPECT_EQ(flags.proto, (Strings{"a.proto", "b.proto"}));
  EXPECT_EQ(flags.include, (Strings{"protos", "more"}));
  EXPECT_EQ(flags.descriptor_sets, Strings{"c:3=x.binpb"});
  EXPECT_EQ(flags.config, "parley.yaml");
  EXPECT_EQ(flags.admin, "off");
  EXPECT_EQ(flags.threads, "4");
  EXPECT_EQ(flags.log, "json");
}

TEST(Arguments, know_the_flags_of_routes) {
  const Parsed result = parsed({"routes", "--json", "--all", "-u", "a:1"});
  ASSERT_TRUE(result.arguments) << result.text;
  EXPECT_TRUE(result.arguments->json);
  EXPECT_TRUE(result.arguments->all);
  EXPECT_EQ(complaint({"serve", "--json"}),
            "parley: unknown flag `--json`; parley serve --help lists the flags\n");
}

TEST(Arguments, take_one_word_a_flag_where_one_belongs) {
  EXPECT_EQ(complaint({"serve", "--upstream", "a:1", "b:2"}),
            "parley: unexpected `b:2`; parley serve --help lists the flags\n");
}

TEST(Arguments, suggest_the_nearest_flag_and_command) {
  EXPECT_EQ(complaint({"serve", "--upstrem", "a:1"}),
            "parley: unknown flag `--upstrem`; did you mean `--upstream`?\n");
  EXPECT_EQ(complaint({"serve", "--lisen=a:1"}),
            "parley: unknown flag `--lisen`; did you mean `--listen`?\n");
  EXPECT_EQ(complaint({"route"}), "parley: unknown command `route`; did you mean `routes`?\n");
  EXPECT_EQ(complaint({"explode"}),
            "parley: unknown command `explode`; parley --help lists the commands\n");
  EXPECT_EQ(complaint({"help", "explode"}),
            "parley: there is no command `explode`; parley --help lists the commands\n");
}

TEST(Arguments, complain_in_one_line_of_a_flag_without_its_word) {
  for (const std::string_view flag :
       {"--upstream", "--listen", "--config", "--threads", "--proto"}) {
    const std::string text = complaint({"serve", flag});
    EXPECT_EQ(text,
              "parley: " + std::string(flag) + " needs a value; parley serve --help shows how\n");
  }
}

TEST(Arguments, refuse_a_single_flag_twice) {
  EXPECT_EQ(complaint({"serve", "--threads", "1", "--threads", "2"}),
            "parley: --threads stands there more than once; parley serve --help shows how\n");
}

TEST(Arguments, may_be_none_and_then_a_first_command_is_shown) {
  EXPECT_EQ(complaint({}),
            "parley: no command given; try `parley serve --upstream 127.0.0.1:50051`, or `parley "
            "--help`\n");
}

TEST(Arguments, ask_for_help_in_several_ways) {
  const std::string all = parsed({"--help"}).text;
  EXPECT_EQ(parsed({"--help"}).exit_status, kExitOk);
  EXPECT_EQ(parsed({"help"}).text, all);
  EXPECT_EQ(parsed({"-h"}).text, all);
  const std::string serve = parsed({"serve", "--help"}).text;
  EXPECT_NE(serve, all);
  EXPECT_EQ(parsed({"help", "serve"}).text, serve);
  EXPECT_EQ(parsed({"serve", "--upstream", "a:1", "-h"}).text, serve);
}

TEST(Arguments, tell_the_version) {
  EXPECT_EQ(parsed({"--version"}).text, "parley 0.1.0\n");
  EXPECT_EQ(parsed({"--version"}).exit_status, kExitOk);
}

}  // namespace
}  // namespace parley::cli
