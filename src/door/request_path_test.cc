#include "door/request_path.h"

#include <string>

#include <gtest/gtest.h>

namespace parley::door {
namespace {

bool accepted(std::string_view raw) { return RequestPath::parse(raw).has_value(); }

TEST(RequestPath, splits_at_slashes) {
  const auto path = RequestPath::parse("/v1/users/7");
  ASSERT_TRUE(path.has_value());
  const size_t end = path->raw().size();
  ASSERT_EQ(path->segments(), 3u);
  EXPECT_EQ(path->segment(0, end), "v1");
  EXPECT_EQ(path->segment(1, end), "users");
  EXPECT_EQ(path->segment(2, end), "7");
  EXPECT_EQ(path->span(1, 3, false, end), "users/7");
  EXPECT_EQ(path->span(1, 2, true, end), "users/7");
  EXPECT_EQ(path->span(3, 4, true, end), "");
}

TEST(RequestPath, has_no_segments_at_the_root) {
  const auto path = RequestPath::parse("/");
  ASSERT_TRUE(path.has_value());
  EXPECT_EQ(path->segments(), 0u);
  EXPECT_FALSE(path->has_empty_segment());
}

TEST(RequestPath, knows_empty_segments_and_trailing_slashes) {
  for (const char* raw : {"/v1//users", "//", "/v1/users/", "/v1/users//"}) {
    const auto path = RequestPath::parse(raw);
    ASSERT_TRUE(path.has_value()) << raw;
    EXPECT_TRUE(path->has_empty_segment()) << raw;
  }
}

TEST(RequestPath, takes_the_verb_from_the_last_segment_only) {
  EXPECT_EQ(RequestPath::parse("/v1/orders/7:cancel")->verb(), "cancel");
  EXPECT_EQ(RequestPath::parse("/v1/a:b:c")->verb(), "c");
  EXPECT_EQ(RequestPath::parse("/v1/a:b/c")->verb(), "");
  EXPECT_EQ(RequestPath::parse("/v1/a:")->verb(), "");
  EXPECT_EQ(RequestPath::parse("/v1/:b")->verb(), "");
  EXPECT_EQ(RequestPath::parse("/v1/a%3Ab")->verb(), "");
}

TEST(RequestPath, refuses_dot_segments_in_any_spelling) {
  for (const char* raw :
       {"/.", "/..", "/v1/./x", "/v1/../x", "/v1/%2e", "/v1/%2E%2e/x", "/v1/.%2E", "/v1/..:cancel"})
    EXPECT_FALSE(accepted(raw)) << raw;
  for (const char* raw : {"/...", "/v1/.x", "/v1/x.", "/v1/..x", "/v1/%2e%2e%2e"})
    EXPECT_TRUE(accepted(raw)) << raw;
}

TEST(RequestPath, refuses_bad_escapes_nul_and_text_that_is_not_utf8) {
  for (const char* raw : {"/%", "/%4", "/%zz", "/a%2", "/%00", "/%FF", "/%C3", "/%C3/%A9",
                          "/%ED%A0%80", "/%C0%80", "/a b", "/a#b", "/\x7F", "/caf\xC3\xA9"})
    EXPECT_FALSE(accepted(raw)) << raw;
  for (const char* raw : {"/%C3%A9", "/%20", "/%2F", "/%25", "/a;b=c,d", "/~!$&'()*+"})
    EXPECT_TRUE(accepted(raw)) << raw;
}

TEST(RequestPath, refuses_what_does_not_begin_with_a_slash) {
  for (const char* raw : {"", "*", "v1", "http://x/v1"}) EXPECT_FALSE(accepted(raw)) << raw;
}

TEST(RequestPath, keeps_what_no_template_can_tell_apart_in_one_piece) {
  std::string raw;
  for (int i = 0; i < 1000; ++i) raw += "/x";
  const auto path = RequestPath::parse(raw);
  ASSERT_TRUE(path.has_value());
  EXPECT_EQ(path->segments(), RequestPath::kSegmentsMax + 1);
  EXPECT_EQ(path->span(0, 1, true, raw.size()), raw.substr(1));
}

}  // namespace
}  // namespace parley::door
