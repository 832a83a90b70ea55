#include "contract/path_template.h"

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace parley::contract {
namespace {

// A template with what it lies in.
struct Parsed : PathTemplate {
  std::shared_ptr<Arena> arena;
};

Parsed parsed(std::string_view text) {
  auto arena = std::make_shared<Arena>();
  const auto result = PathTemplate::parse(arena->copy(text), *arena);
  EXPECT_TRUE(result.has_value()) << text << ": " << (result ? "" : result.error().message());
  return {result ? *result : PathTemplate{}, std::move(arena)};
}

std::string problem(std::string_view text) {
  Arena arena;
  const auto result = PathTemplate::parse(text, arena);
  return result ? "none" : result.error().message();
}

TEST(PathTemplate, has_literals_and_wildcards) {
  const Parsed path = parsed("/v1/*/users/**");
  ASSERT_EQ(path.segments.size(), 4u);
  EXPECT_EQ(path.segments[0].literal, "v1");
  EXPECT_EQ(path.segments[1].kind, PathTemplate::Kind::Any);
  EXPECT_EQ(path.segments[3].kind, PathTemplate::Kind::Rest);
  EXPECT_TRUE(path.variables.empty());
}

TEST(PathTemplate, binds_one_segment_to_a_plain_variable) {
  const Parsed path = parsed("/v1/users/{user.user_id}");
  ASSERT_EQ(path.variables.size(), 1u);
  EXPECT_EQ(path.variables[0], (PathTemplate::Variable{"user.user_id", 2, 3, false}));
  EXPECT_EQ(path.segments[2].kind, PathTemplate::Kind::Any);
}

TEST(PathTemplate, binds_several_segments) {
  const Parsed path = parsed("/v1/{name=shops/*/items/**}:sync");
  ASSERT_EQ(path.variables.size(), 1u);
  EXPECT_EQ(path.variables[0], (PathTemplate::Variable{"name", 1, 5, true}));
  EXPECT_EQ(path.verb, "sync");
  EXPECT_EQ(path.shape(), "/v1/shops/*/items/**:sync");
}

TEST(PathTemplate, knows_whether_slashes_belong_to_the_value) {
  EXPECT_FALSE(parsed("/{a=*}").variables[0].multi);
  EXPECT_FALSE(parsed("/{a=b}").variables[0].multi);
  EXPECT_TRUE(parsed("/{a=**}").variables[0].multi);
  EXPECT_TRUE(parsed("/{a=b/*}").variables[0].multi);
}

TEST(PathTemplate, goes_on_after_a_variable) {
  const Parsed path = parsed("/{a=x/*}/y/{b}");
  EXPECT_EQ(path.shape(), "/x/*/y/*");
  EXPECT_EQ(path.variables[1], (PathTemplate::Variable{"b", 3, 4, false}));
}

TEST(PathTemplate, takes_the_last_colon_of_the_last_segment_for_the_verb) {
  EXPECT_EQ(parsed("/a:b:c").verb, "c");
  EXPECT_EQ(parsed("/a:b:c").segments[0].literal, "a:b");
  EXPECT_EQ(parsed("/a:b/c").verb, "");
  EXPECT_EQ(parsed("/a:b/c").segments[0].literal, "a:b");
  EXPECT_EQ(parsed("/{n=a:b}").verb, "");
  EXPECT_EQ(parsed("/*:cancel").verb, "cancel");
  EXPECT_EQ(parsed("/a%3Ab").segments[0].literal, "a:b");
}

TEST(PathTemplate, decodes_literals) {
  EXPECT_EQ(parsed("/%C3%A9t%c3%A9/%2A").segments[0].literal, "été");
  EXPECT_EQ(parsed("/%2A").segments[0].kind, PathTemplate::Kind::Literal);
  EXPECT_EQ(parsed("/-._~!$&'()+,;=@").segments[0].literal, "-._~!$&'()+,;=@");
}

TEST(PathTemplate, has_one_shape_for_templates_that_match_the_same) {
  EXPECT_EQ(parsed("/v1/{a}/b").shape(), parsed("/v1/{c.d=*}/%62").shape());
  EXPECT_NE(parsed("/a:b").shape(), parsed("/a%3Ab").shape());
  EXPECT_NE(parsed("/*").shape(), parsed("/%2A").shape());
}

TEST(PathTemplate, rejects_what_the_grammar_does_not_have_and_says_where) {
  const struct {
    std::string_view text;
    std::string_view problem;
  } cases[] = {
      {"", "column 1: a template begins with '/'"},
      {"v1", "column 1: a template begins with '/'"},
      {"/", "column 2: an empty segment"},
      {"//a", "column 2: an empty segment"},
      {"/a/", "column 4: an empty segment"},
      {"/a/:b", "column 4: an empty segment"},
      {"/a:", "column 4: a verb follows ':'"},
      {"/a:b%20", "column 5: a verb has no escapes"},
      {"/a:b*", "column 5: '*' in a verb"},
      {"/a*", "column 3: a wildcard stands alone in its segment; write %2A for a literal '*'"},
      {"/*a", "column 3: a wildcard stands alone in its segment; write %2A for a literal '*'"},
      {"/***", "column 4: a wildcard stands alone in its segment; write %2A for a literal '*'"},
      {"/a?b", "column 3: '?' ends a path"},
      {"/a b", "column 3: ' ' must be percent-encoded"},
      {"/\xC3\xA9", "column 2: byte 0xC3 must be percent-encoded"},
      {"/%4", "column 2: '%' without two hexadecimal digits"},
      {"/%zz", "column 2: '%' without two hexadecimal digits"},
      {"/%ff", "column 2: the escapes are not UTF-8"},
      {"/%00", "column 2: %00 matches no path"},
      {"/a/..", "column 4: a segment \".\" or \"..\" matches no path"},
      {"/{", "column 3: expected a field's name"},
      {"/{}", "column 3: expected a field's name"},
      {"/{1a}", "column 3: expected a field's name"},
      {"/{a.}", "column 5: expected a field's name"},
      {"/{a", "column 2: '{' without '}'"},
      {"/{a=b", "column 2: '{' without '}'"},
      {"/{a=}", "column 5: an empty segment"},
      {"/{a b}", "column 4: expected '}', found ' '"},
      {"/{a}b", "column 5: after '}' comes '/', ':' or the end"},
      {"/{a}{b}", "column 5: after '}' comes '/', ':' or the end"},
      {"/a{b}", "column 3: a variable stands alone in its segment; put '/' before '{'"},
      {"/{a={b}}", "column 5: variables do not nest"},
      {"/a}", "column 3: unexpected '}'"},
      {"/*}", "column 3: unexpected '}'"},
      {"/**/a", "column 2: '**' is not the last segment"},
      {"/{a=**}/b", "column 5: '**' is not the last segment"},
      {"/**/**", "column 5: a second '**'"},
      {"/{a=**}/{b=**}", "column 12: a second '**'"},
  };
  for (const auto& each : cases) EXPECT_EQ(problem(each.text), each.problem) << each.text;
}

TEST(PathTemplate, has_limits) {
  std::string segments, variables;
  for (size_t i = 0; i < PathTemplate::kSegmentsMax; ++i) segments += "/a";
  for (size_t i = 0; i < PathTemplate::kVariablesMax; ++i) variables += "/{a}";
  EXPECT_EQ(problem(segments), "none");
  EXPECT_EQ(problem(variables), "none");
  EXPECT_EQ(problem(segments + "/a"), "column 130: more than 64 segments");
  EXPECT_EQ(problem(variables + "/{a}"), "column 130: more than 32 variables");
  EXPECT_EQ(problem("/" + std::string(PathTemplate::kBytesMax, 'a')),
            "column 1: longer than 4096 bytes");
}

}  // namespace
}  // namespace parley::contract
