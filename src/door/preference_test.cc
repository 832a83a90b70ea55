#include "door/preference.h"

#include <gtest/gtest.h>

namespace parley::door {
namespace {

bool minimal(std::initializer_list<std::string_view> values) {
  Fields request;
  for (const std::string_view value : values) request.add(FieldId::Prefer, value);
  return prefers_minimal(request);
}

TEST(Preference, nothing_is_preferred_by_default) {
  EXPECT_FALSE(minimal({}));
  EXPECT_FALSE(minimal({""}));
  EXPECT_FALSE(minimal({"respond-async, wait=10"}));
}

TEST(Preference, is_found_in_a_list_and_in_several_fields) {
  EXPECT_TRUE(minimal({"return=minimal"}));
  EXPECT_TRUE(minimal({"wait=10, return=minimal"}));
  EXPECT_TRUE(minimal({"foo=\"a, return=representation\", return=minimal"}));
  EXPECT_TRUE(minimal({"respond-async", "return=minimal; foo=\"bar\""}));
}

TEST(Preference, is_read_whatever_its_case_spaces_and_quotes) {
  EXPECT_TRUE(minimal({"Return = Minimal"}));
  EXPECT_TRUE(minimal({"return=\"minimal\""}));
}

TEST(Preference, another_word_is_not_it) {
  EXPECT_FALSE(minimal({"return=representation"}));
  EXPECT_FALSE(minimal({"return"}));
  EXPECT_FALSE(minimal({"returns=minimal"}));
  EXPECT_FALSE(minimal({"minimal"}));
}

TEST(Preference, the_first_of_several_counts) {
  EXPECT_FALSE(minimal({"return=representation, return=minimal"}));
  EXPECT_FALSE(minimal({"return=representation", "return=minimal"}));
}

}  // namespace
}  // namespace parley::door
