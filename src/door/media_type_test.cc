#include "door/media_type.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace parley::door {
namespace {

constexpr std::array<std::string_view, 2> kOffers = {"application/json", "application/x-ndjson"};

std::optional<size_t> chosen(std::initializer_list<std::string_view> accept) {
  Fields request;
  for (const std::string_view value : accept) request.add(FieldId::Accept, value);
  return negotiate(request, kOffers);
}

TEST(MediaType, reads_parameters) {
  const auto media = MediaType::parse("Application/JSON ; charset=\"UTF-8\"; x=1");
  ASSERT_TRUE(media.has_value());
  EXPECT_TRUE(media->is("application", "json"));
  EXPECT_EQ(media->parameter("Charset"), "UTF-8");
  EXPECT_EQ(media->parameter("x"), "1");
  EXPECT_EQ(media->parameter("y"), std::nullopt);
}
TEST(MediaType, allows_empty_parameters) {
  EXPECT_TRUE(MediaType::parse("a/b;").has_value());
  EXPECT_TRUE(MediaType::parse("a/b;;x=1;").has_value());
}
TEST(MediaType, refuses_what_is_none) {
  for (const char* text : {"", "a", "a/", "/b", "a b/c", "a/b x=1", "a/b;x", "a/b;x=", "a/b;=1",
                           "a/b;x=\"1", "a/b,c/d"})
    EXPECT_FALSE(MediaType::parse(text).has_value()) << text;
}

TEST(Negotiate, takes_the_first_offer_without_accept) { EXPECT_EQ(chosen({}), 0u); }
TEST(Negotiate, takes_the_best_quality) {
  EXPECT_EQ(chosen({"application/json;q=0.5, application/x-ndjson"}), 1u);
  EXPECT_EQ(chosen({"application/json;q=0.5", "application/x-ndjson;q=0.4"}), 0u);
}
TEST(Negotiate, prefers_the_closer_range) {
  EXPECT_EQ(chosen({"*/*;q=0.9, application/json;q=0.1"}), 1u);
  EXPECT_EQ(chosen({"application/*, application/json;q=0"}), 1u);
  EXPECT_EQ(chosen({"text/html, */*;q=0"}), std::nullopt);
}
TEST(Negotiate, reads_a_star_as_everything) {
  EXPECT_EQ(chosen({"*"}), 0u);
  EXPECT_EQ(chosen({"text/html, *;q=0.2"}), 0u);
  EXPECT_EQ(chosen({"*;q=0"}), std::nullopt);
}
TEST(Negotiate, passes_over_malformed_members) {
  EXPECT_EQ(chosen({"nonsense, application/x-ndjson"}), 1u);
  EXPECT_EQ(chosen({"application/json;q=2, application/x-ndjson"}), 1u);
  EXPECT_EQ(chosen({"application/json;q=0.1234, application/x-ndjson"}), 1u);
  EXPECT_EQ(chosen({"nonsense"}), 0u) << "nothing that could leave anything out";
  EXPECT_EQ(chosen({"*/json, application/x-ndjson"}), 1u);
  EXPECT_EQ(chosen({","}), 0u);
}
TEST(Negotiate, finds_nothing_acceptable) {
  EXPECT_EQ(chosen({"text/html"}), std::nullopt);
  EXPECT_EQ(chosen({"application/json;q=0, application/x-ndjson;q=0.000"}), std::nullopt);
}
TEST(Negotiate, does_not_split_at_commas_in_quotes) {
  EXPECT_EQ(chosen({"text/html;x=\"a,application/json\", application/x-ndjson"}), 1u);
}
TEST(Negotiate, ignores_other_parameters_of_a_range) {
  EXPECT_EQ(chosen({"application/json;charset=utf-8;q=0.3"}), 0u);
}

TEST(ContentType, must_be_visible_and_a_media_type) {
  EXPECT_TRUE(content_type_valid("image/png"));
  EXPECT_FALSE(content_type_valid(""));
  EXPECT_FALSE(content_type_valid("image/png\r\nx: y"));
  EXPECT_FALSE(content_type_valid("image"));
}

}  // namespace
}  // namespace parley::door
