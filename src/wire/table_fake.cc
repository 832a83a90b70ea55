#include "wire/table_fake.h"

#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/ascii.h"
#include "base/assert.h"

namespace parley::wire {

void check_table(const std::string& file, const TableCase& run) {
  const std::string path = "src/wire/testdata/" + file;
  std::ifstream in(path);
  ASSERT_TRUE(in.is_open()) << path;
  const char* const update = std::getenv("PARLEY_UPDATE");
  const bool rewrite = update && std::string_view(update) == "1";
  std::string written;
  std::string output;
  size_t cases = 0;
  size_t line_number = 0;
  bool pending = false;  // a case whose output line has not come yet
  for (std::string line; std::getline(in, line);) {
    ++line_number;
    const bool expectation = line.starts_with("  = ") || line == "  =";
    if (expectation) {
      if (rewrite) continue;
      EXPECT_TRUE(pending) << path << ":" << line_number;
      EXPECT_EQ("  = " + output, line) << path << ":" << line_number;
      pending = false;
      continue;
    }
    EXPECT_FALSE(pending && !rewrite) << path << ":" << line_number << ": no output line before";
    written += line + "\n";
    if (line.empty() || line.starts_with('#')) continue;
    const size_t space = std::min(line.find(' '), line.size());
    const std::string_view view = line;
    output = run(view.substr(0, space), view.substr(std::min(space + 1, line.size())));
    written += "  = " + output + "\n";
    pending = !rewrite;
    ++cases;
  }
  EXPECT_GT(cases, 0u);
  in.close();
  if (rewrite) std::ofstream(path) << written;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size();) {
    if (hex[i] == ' ') {
      ++i;
    } else if (hex[i] == '"') {
      const size_t end = hex.find('"', i + 1);
      PARLEY_ASSERT(end != std::string_view::npos);
      bytes += hex.substr(i + 1, end - i - 1);
      i = end + 1;
    } else {
      PARLEY_ASSERT(i + 1 < hex.size() && hex_digit(hex[i]) >= 0 && hex_digit(hex[i + 1]) >= 0);
      bytes += static_cast<char>(hex_digit(hex[i]) * 16 + hex_digit(hex[i + 1]));
      i += 2;
    }
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes)
    hex += fmt::format("{}{:02x}", hex.empty() ? "" : " ", static_cast<uint8_t>(c));
  return hex;
}

std::string from_hex_escapes(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '<' && i + 3 < text.size() && text[i + 3] == '>' &&
                        hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    if (escape) {
      bytes += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 3;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

}  // namespace parley::wire
