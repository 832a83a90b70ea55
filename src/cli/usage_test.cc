#include "cli/usage.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

constexpr const char* kPage = "docs/reference/cli.md";
constexpr std::string_view kBegin =
    "<!-- the commands' help; PARLEY_UPDATE=1 cli_test writes it -->\n";
constexpr std::string_view kEnd = "<!-- the end of the help -->\n";

TEST(Usage, is_what_the_documentation_has) {
  std::ostringstream read;
  read << std::ifstream(kPage).rdbuf();
  std::string page = read.str();
  const size_t begin = page.find(kBegin);
  const size_t end = page.find(kEnd);
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos && begin < end) << kPage;
  const size_t text = begin + kBegin.size();
  if (std::getenv("PARLEY_UPDATE"))
    std::ofstream(kPage) << page.replace(text, end - text, reference());
  else
    EXPECT_EQ(page.substr(text, end - text), reference());
}

TEST(Usage, fits_into_eighty_columns) {
  std::istringstream lines(reference());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(Usage, names_every_flag_of_a_command) {
  for (const Command& command : commands()) {
    if (!command.verb) continue;
    const std::string text = usage(command);
    for (const Flag& flag : flags()) {
      const std::string_view name = flag.spelling.substr(flag.spelling.find("--"));
      EXPECT_EQ(text.find(name) != std::string::npos, takes(*command.verb, flag))
          << command.name << " " << name;
    }
  }
}

}  // namespace
}  // namespace parley::cli
