#include "base/fields.h"

#include <string>

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(Fields, every_known_name_finds_its_id) {
  for (size_t i = 1; i < kFieldIdCount; ++i) {
    const auto id = static_cast<FieldId>(i);
    EXPECT_EQ(field_id(field_name(id)), id) << field_name(id);
  }
  EXPECT_EQ(field_id("x-unheard-of"), FieldId::Other);
  EXPECT_EQ(field_id(""), FieldId::Other);
}

TEST(Fields, lowers_names_and_keeps_the_order_of_repeated_ones) {
  Fields fields;
  ASSERT_TRUE(fields.append("X-One", "1"));
  ASSERT_TRUE(fields.append("Content-Type", "text/plain"));
  ASSERT_TRUE(fields.append("x-one", "2"));
  ASSERT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields[0].name, "x-one");
  EXPECT_EQ(fields[1].id, FieldId::ContentType);
  EXPECT_EQ(fields[2].value, "2");
  EXPECT_EQ(fields.find("X-ONE"), "1");
}

TEST(Fields, refuses_what_passes_a_limit_and_stays_as_it_was) {
  Fields fields(FieldLimits{.bytes_max = 100, .count_max = 2});
  EXPECT_TRUE(fields.append("a", "1"));
  EXPECT_FALSE(fields.append("b", std::string(60, 'x')));
  EXPECT_TRUE(fields.append("c", "3"));
  EXPECT_FALSE(fields.append("d", "4"));
  EXPECT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields.bytes(), 68u);
}

TEST(Fields, removes_and_sets) {
  Fields fields;
  for (int i = 0; i < 100; ++i) fields.add("x-" + std::to_string(i), std::string(20, 'v'));
  fields.add(FieldId::Etag, "one");
  fields.add(FieldId::Etag, "two");
  EXPECT_EQ(fields.remove("x-7"), 1u);
  fields.set(FieldId::Etag, "three");
  EXPECT_EQ(fields.count(FieldId::Etag), 1u);
  EXPECT_EQ(fields.find(FieldId::Etag), "three");
  EXPECT_EQ(fields.find("x-7"), std::nullopt);
  EXPECT_EQ(fields.find("x-99"), std::string(20, 'v'));
}

TEST(Fields, copies_and_moves) {
  Fields fields;
  fields.add("a", "1");
  Fields copy = fields;
  Fields moved = std::move(fields);
  copy.add("b", "2");
  EXPECT_EQ(copy.size(), 2u);
  EXPECT_EQ(moved.size(), 1u);
}

TEST(Fields, insert_puts_a_field_before_others) {
  Fields fields;
  fields.add("x-a", "1");
  fields.add("x-b", "2");
  fields.add("x-c", "3");
  ASSERT_TRUE(fields.insert(1, FieldId::Host, "h"));
  ASSERT_TRUE(fields.insert(4, FieldId::Date, "end"));
  ASSERT_EQ(fields.size(), 5u);
  EXPECT_EQ(fields[0].name, "x-a");
  EXPECT_EQ(fields[1].value, "h");
  EXPECT_EQ(fields[2].name, "x-b");
  EXPECT_EQ(fields[3].value, "3");
  EXPECT_EQ(fields[4].value, "end");
}

}  // namespace
}  // namespace parley
