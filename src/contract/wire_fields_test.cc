#include "contract/wire_fields.h"

#include <gtest/gtest.h>

namespace parley::contract {
namespace {

using namespace std::string_view_literals;

TEST(WireFields, walks_each_kind_and_skips_groups) {
  WireFields fields(
      "\x08\x96\x01\x12\x02hi\x1b\x08\x01\x1b\x1c\x1c\x25\x01\x02\x03\x04"
      "\x29\x01\0\0\0\0\0\0\x80"sv);
  ASSERT_TRUE(fields.next());
  EXPECT_EQ(fields.number(), 1u);
  EXPECT_EQ(fields.value(), 150u);
  ASSERT_TRUE(fields.next());
  EXPECT_EQ(fields.bytes(), "hi");
  ASSERT_TRUE(fields.next());
  EXPECT_EQ(fields.number(), 4u);
  EXPECT_EQ(fields.value(), 0x04030201u);
  ASSERT_TRUE(fields.next());
  EXPECT_EQ(fields.value(), 0x8000000000000001u);
  EXPECT_FALSE(fields.next());
  EXPECT_FALSE(fields.malformed());
}

TEST(WireFields, end_at_malformed_bytes) {
  for (const auto bytes :
       {"\x08"sv, "\x08\x80"sv, "\x12\x05hi"sv, "\x0b\x08\x01"sv, "\x0c"sv, "\x0e"sv, "\x00\x01"sv,
        "\x25\x01"sv, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv}) {
    WireFields fields(bytes);
    while (fields.next()) {
    }
    EXPECT_TRUE(fields.malformed());
  }
}

}  // namespace
}  // namespace parley::contract
