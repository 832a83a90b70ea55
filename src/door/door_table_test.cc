// Runs the tables of testdata/rest: what a request over REST becomes, and what an answer does.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/ascii.h"
#include "contract/contract_fake.h"
#include "door/door_fake.h"
#include "door/table_fake.h"

namespace parley::door {
namespace {

constexpr const char* kFolder = "src/door/testdata/rest";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> tables() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".txt") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

class RestTable : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(RestTable, transcodes_as_the_table_says) {
  const bool update = std::getenv("PARLEY_UPDATE") != nullptr;
  const std::string text = read_file(GetParam());
  static const contract::Contract contract =
      contract::contract_from(read_file("src/door/testdata/table.proto"));
  static const wire::Programs programs(contract, &google_types());
  std::string rewritten;
  for (const TableBlock& block : split_table(text)) {
    if (block.request.empty()) {
      rewritten += block.input;
      continue;
    }
    const std::string expected = run_case(programs, block);
    if (!update) {
      EXPECT_EQ(block.expected, expected)
          << GetParam().string() << ":" << block.line << ": " << block.request;
    }
    rewritten += block.input + expected;
  }
  if (update) std::ofstream(GetParam(), std::ios::binary) << rewritten;
}

std::string table_name(const testing::TestParamInfo<std::filesystem::path>& info) {
  return info.param.stem().string();
}

INSTANTIATE_TEST_SUITE_P(Tables, RestTable, testing::ValuesIn(tables()), table_name);

}  // namespace
}  // namespace parley::door
