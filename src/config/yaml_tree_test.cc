#include "config/yaml_tree.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace parley::config {
namespace {

struct Parsed {
  std::optional<Node> root;
  std::vector<std::string> problems;
};

Parsed parsed(std::string_view text) {
  contract::Problems problems;
  Parsed result;
  result.root = parse_yaml(text, "f", problems);
  for (const contract::Problem& problem : problems.take())
    result.problems.push_back(problem.text());
  return result;
}

TEST(YamlTree, knows_where_everything_stands) {
  const Parsed result = parsed("a: 1\nb:\n  - x\n  - {c: y}\n");
  ASSERT_TRUE(result.root);
  const Node& list = *result.root->find("b");
  EXPECT_EQ(list.items[0].word, "x");
  EXPECT_EQ(list.items[0].at.line, 3);
  EXPECT_EQ(list.items[0].at.column, 5);
  EXPECT_EQ(list.items[1].entries[0].key, "c");
  EXPECT_EQ(list.items[1].entries[0].at.column, 6);
  EXPECT_EQ(list.items[1].entries[0].value.at.column, 9);
}

TEST(YamlTree, leaves_words_as_they_are) {
  const Parsed result = parsed("a: off\nb: 0x10\nc: 'yes'\nd: ~\ne:\nf: \"\"\n");
  ASSERT_TRUE(result.root);
  EXPECT_EQ(result.root->find("a")->word, "off");
  EXPECT_EQ(result.root->find("b")->word, "0x10");
  EXPECT_EQ(result.root->find("c")->word, "yes");
  EXPECT_EQ(result.root->find("d")->kind, Node::Kind::Null);
  EXPECT_EQ(result.root->find("e")->kind, Node::Kind::Null);
  EXPECT_EQ(result.root->find("f")->kind, Node::Kind::Word);
}

TEST(YamlTree, takes_an_empty_file_for_an_empty_mapping) {
  for (const char* text : {"", "\n", "# nothing\n", "---\n", "---\n...\n"}) {
    const Parsed result = parsed(text);
    ASSERT_TRUE(result.root) << text;
    EXPECT_EQ(result.root->kind, Node::Kind::Map) << text;
    EXPECT_TRUE(result.problems.empty()) << text;
  }
}

TEST(YamlTree, copies_what_an_alias_names) {
  const Parsed result = parsed("a: &x {k: v}\nb: *x\n");
  ASSERT_TRUE(result.root);
  EXPECT_EQ(result.root->find("b")->find("k")->word, "v");
  EXPECT_EQ(result.root->find("b")->at.line, 2);
}

TEST(YamlTree, reports_every_key_that_stands_twice) {
  const Parsed result = parsed("a: 1\nb: 2\na: 3\nb: 4\n");
  EXPECT_EQ(result.problems,
            (std::vector<std::string>{
                "f:3:1: the key `a` stands here twice, first in line 1; remove one of them",
                "f:4:1: the key `b` stands here twice, first in line 2; remove one of them"}));
}

TEST(YamlTree, refuses_what_is_no_yaml) {
  const Parsed result = parsed("a: [1, 2\nb: 3\n");
  EXPECT_FALSE(result.root);
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_NE(result.problems[0].find("this is no YAML"), std::string::npos) << result.problems[0];
}

TEST(YamlTree, refuses_a_second_document) {
  const Parsed result = parsed("a: 1\n---\nb: 2\n");
  EXPECT_FALSE(result.root);
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_NE(result.problems[0].find("a second document"), std::string::npos);
}

TEST(YamlTree, refuses_tags_and_keys_that_are_no_words) {
  EXPECT_EQ(parsed("a: !!int 3\n").problems.size(), 1u);
  EXPECT_EQ(parsed("a: !mine {b: c}\n").problems.size(), 1u);
  EXPECT_EQ(parsed("[a, b]: c\n").problems.size(), 1u);
  EXPECT_EQ(parsed("? {a: b}\n: c\n").problems.size(), 1u);
}

TEST(YamlTree, refuses_an_alias_inside_of_what_it_names) {
  EXPECT_EQ(parsed("a: &x [*x]\n").problems.size(), 1u);
}

TEST(YamlTree, bounds_depth) {
  EXPECT_TRUE(parsed(std::string(kDepthMax, '[') + std::string(kDepthMax, ']')).root);
  EXPECT_FALSE(parsed(std::string(kDepthMax + 1, '[') + std::string(kDepthMax + 1, ']')).root);
  EXPECT_FALSE(parsed(std::string(100'000, '[')).root);
  std::string nested = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) nested += fmt::format("a{}: &a{} [*a{}]\n", i, i, i - 1);
  EXPECT_FALSE(parsed(nested).root);
}

TEST(YamlTree, bounds_what_aliases_repeat) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i,
                        i - 1);
  }
  const Parsed result = parsed(bomb);
  EXPECT_FALSE(result.root);
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_NE(result.problems[0].find("values"), std::string::npos);
}

TEST(YamlTree, bounds_the_memory_of_repeated_long_words) {
  std::string text = "a: &a " + std::string(500'000, 'x') + "\nb: [";
  for (int i = 0; i < 50'000; ++i) text += "*a,";
  EXPECT_FALSE(parsed(text + "]\n").root);
}

TEST(YamlTree, bounds_the_size_of_a_file) {
  EXPECT_FALSE(parsed("# " + std::string(kFileBytesMax, 'x')).root);
}

}  // namespace
}  // namespace parley::config
