#include "gateway/notices.h"

#include <vector>

#include <gtest/gtest.h>

namespace parley::gateway {
namespace {

using Kind = Notices::Kind;
using std::chrono::seconds;

class NoticesTest : public testing::Test {
 protected:
  void tell(Kind kind, const std::string& text) {
    notices.tell(kind, now, [&] { return text; });
  }

  std::vector<std::string> lines;
  Notices notices{[this](std::string line) { lines.push_back(std::move(line)); }};
  Instant now{};
};

TEST_F(NoticesTest, tells_one_line_of_a_kind_in_a_while) {
  for (int i = 0; i < 5; ++i) tell(Kind::TlsHandshake, "failed");
  EXPECT_EQ(lines, std::vector<std::string>{"failed"});
}

TEST_F(NoticesTest, says_how_many_were_left_out) {
  for (int i = 0; i < 5; ++i) tell(Kind::TlsHandshake, "failed");
  now += Notices::kInterval;
  tell(Kind::TlsHandshake, "again");
  now += Notices::kInterval;
  tell(Kind::TlsHandshake, "still");
  const std::vector<std::string> expected = {
      "failed", "again (and 4 more before, which were not told)", "still"};
  EXPECT_EQ(lines, expected);
}

TEST_F(NoticesTest, one_kind_does_not_keep_another_silent) {
  tell(Kind::TlsHandshake, "tls");
  tell(Kind::ProxyHeader, "proxy");
  EXPECT_EQ(lines, (std::vector<std::string>{"tls", "proxy"}));
}

TEST_F(NoticesTest, makes_no_text_that_is_not_told) {
  int made = 0;
  const auto make = [&] { return std::to_string(++made); };
  for (int i = 0; i < 3; ++i) notices.tell(Kind::Accepting, now, make);
  EXPECT_EQ(made, 1);
}

}  // namespace
}  // namespace parley::gateway
