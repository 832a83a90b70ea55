#include "door/rest_query.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace parley::door {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Result<Pairs> read(std::string_view query, uint32_t parameters_max = 100) {
  Arena arena;
  QueryReader reader(query, arena, parameters_max);
  Pairs pairs;
  for (;;) {
    TRY(parameter, reader.next());
    if (!parameter) return pairs;
    pairs.emplace_back(parameter->name, parameter->value);
  }
}

Pairs pairs(std::string_view query) {
  auto result = read(query);
  EXPECT_TRUE(result.has_value()) << query << ": " << result.error().message();
  return result ? *std::move(result) : Pairs();
}

TEST(QueryReader, reads_pairs_in_order) {
  EXPECT_EQ(pairs("a=1&b=2&a=3"), (Pairs{{"a", "1"}, {"b", "2"}, {"a", "3"}}));
}
TEST(QueryReader, passes_over_empty_pairs) {
  EXPECT_EQ(pairs("&&a=1&&b=2&"), (Pairs{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(pairs(""), Pairs());
}
TEST(QueryReader, takes_a_name_without_a_value) {
  EXPECT_EQ(pairs("a&b="), (Pairs{{"a", ""}, {"b", ""}}));
}
TEST(QueryReader, ends_the_name_at_the_first_equals_sign) {
  EXPECT_EQ(pairs("a=b=c"), (Pairs{{"a", "b=c"}}));
}
TEST(QueryReader, decodes_plus_as_a_space_and_escapes) {
  EXPECT_EQ(pairs("a+b=c+d%2Be%26"), (Pairs{{"a b", "c d+e&"}}));
  EXPECT_EQ(pairs("n%C3%A9=%00"), (Pairs{{"n\xC3\xA9", std::string(1, '\0')}}));
}
TEST(QueryReader, keeps_semicolons_commas_and_other_visible_characters) {
  EXPECT_EQ(pairs("a=1;b=2,3"), (Pairs{{"a", "1;b=2,3"}}));
  EXPECT_EQ(pairs("a=\"<>\\^`{|}?/:@[]!$'()*~"), (Pairs{{"a", "\"<>\\^`{|}?/:@[]!$'()*~"}}));
}
TEST(QueryReader, refuses_bad_escapes_by_the_parameters_name) {
  for (const char* query : {"a=%", "a=%2", "a=%zz", "a=1&%=2"}) {
    const auto result = read(query);
    ASSERT_FALSE(result.has_value()) << query;
    EXPECT_EQ(result.error().reason(), Reason::QueryInvalid);
    ASSERT_EQ(result.error().violations().size(), 1u);
  }
  EXPECT_EQ(read("colour=%zz").error().violations()[0].field, "colour");
}
TEST(QueryReader, refuses_text_that_is_not_utf8) {
  for (const char* query : {"a=%FF", "%C3=1", "a=%ED%A0%80", "a=%C0%AF"})
    EXPECT_FALSE(read(query).has_value()) << query;
}
TEST(QueryReader, refuses_bytes_that_must_be_escaped) {
  for (const char* query : {"a=#", "a=\x7F", "a=\xC3\xA9", "a b=1", "a=\t"})
    EXPECT_FALSE(read(query).has_value()) << query;
}
TEST(QueryReader, names_the_limit_of_parameters) {
  EXPECT_TRUE(read("a=1&b=2&c=3", 3).has_value());
  const auto result = read("a=1&b=2&c=3&d=4", 3);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().limit_name(), "rest.query_parameters_max");
}

TEST(ParameterName, takes_brackets_off_the_end) {
  using Suffix = ParameterName::Suffix;
  const auto plain = ParameterName::parse("user.name");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->path, "user.name");
  EXPECT_EQ(plain->suffix, Suffix::None);
  const auto element = ParameterName::parse("user.tags[]");
  ASSERT_TRUE(element.has_value());
  EXPECT_EQ(element->path, "user.tags");
  EXPECT_EQ(element->suffix, Suffix::Element);
  const auto entry = ParameterName::parse("labels[a.b[c]");
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->path, "labels");
  EXPECT_EQ(entry->suffix, Suffix::Key);
  EXPECT_EQ(entry->key, "a.b[c");
}
TEST(ParameterName, refuses_brackets_out_of_place) {
  for (const char* name : {"", "[]", "[x]", "a]", "a[", "a[x]b", "a[x].b"})
    EXPECT_FALSE(ParameterName::parse(name).has_value()) << name;
}

}  // namespace
}  // namespace parley::door
