#include "config/reference.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace parley::config {
namespace {

constexpr const char* kPage = "docs/reference/config.md";
constexpr std::string_view kBegin =
    "<!-- the table of keys; PARLEY_UPDATE=1 config_test writes it -->\n";
constexpr std::string_view kEnd = "<!-- the end of the table -->\n";

TEST(Reference, is_what_the_documentation_has) {
  std::ostringstream read;
  read << std::ifstream(kPage).rdbuf();
  std::string page = read.str();
  const size_t begin = page.find(kBegin);
  const size_t end = page.find(kEnd);
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos && begin < end) << kPage;
  const size_t table = begin + kBegin.size();
  if (std::getenv("PARLEY_UPDATE"))
    std::ofstream(kPage) << page.replace(table, end - table, reference());
  else
    EXPECT_EQ(page.substr(table, end - table), reference());
}

}  // namespace
}  // namespace parley::config
