#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "contract/contract_fake.h"

namespace parley::contract {
namespace {

// A method whose google.api.http is `rule`.
std::string proto_with(const std::string& rule) {
  return R"(syntax = "proto3"; package p; import "google/api/annotations.proto";
import "google/protobuf/timestamp.proto"; import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto"; import "google/protobuf/field_mask.proto";
message Inner { string id = 1; Inner inner = 2; repeated Inner list = 3; }
message Request {
  string id = 1; Inner inner = 2; repeated string tags = 3; map<string, Inner> map = 4;
  google.protobuf.Timestamp time = 5; google.protobuf.Struct any = 6; bytes raw_bytes = 7;
  google.protobuf.Int64Value count = 8; google.protobuf.FieldMask mask = 9;
  oneof choice { string left = 10; string right = 11; }
}
message Reply { repeated Inner items = 1; }
service S { rpc Do(Request) returns (Reply) { option (google.api.http) = {)" +
         rule + "}; } }";
}

std::vector<std::string> problems_of(const std::string& rule, const LoadOptions& options = {}) {
  std::vector<std::string> out;
  for (const Problem& problem : loaded_from(proto_with(rule), options).problems)
    out.push_back(problem.text());
  return out;
}

// What is wrong with a rule, without the words that every such problem has.
std::string problem_of(const std::string& rule) {
  const auto all = problems_of(rule);
  if (all.size() != 1) return fmt::format("{} problems", all.size());
  constexpr std::string_view kBefore = "test.proto:12:47: the HTTP rule of p.S.Do ";
  EXPECT_TRUE(all[0].starts_with(kBefore)) << all[0];
  return all[0].substr(std::min(kBefore.size(), all[0].size()));
}

using Texts = std::vector<std::string>;

TEST(HttpRules, bind_variables_to_the_fields_on_their_way) {
  const Contract contract = contract_from(proto_with(R"(get: "/{inner.inner.id}/{id}")"));
  const HttpRule& rule = contract.find_method("/p.S/Do")->rules[0];
  EXPECT_EQ(rule.verb, "GET");
  ASSERT_EQ(rule.variables.size(), 2u);
  ASSERT_EQ(rule.variables[0].size(), 3u);
  EXPECT_EQ(rule.variables[0][0]->full_name, "p.Request.inner");
  EXPECT_EQ(rule.variables[0][2]->full_name, "p.Inner.id");
  EXPECT_EQ(rule.variables[1][0]->name, "id");
  EXPECT_FALSE(rule.from_config);
}

TEST(HttpRules, bind_bodies_and_additional_bindings) {
  const Contract contract = contract_from(proto_with(R"(
    post: "/a" body: "*"
    additional_bindings { put: "/b/{inner.id}" body: "inner" response_body: "items" }
    additional_bindings { custom { kind: "REPORT" path: "/c" } body: "map" }
    additional_bindings { custom { kind: "*" path: "/d" } })"));
  const auto& rules = contract.find_method("/p.S/Do")->rules;
  ASSERT_EQ(rules.size(), 4u);
  EXPECT_EQ(rules[0].body, "*");
  EXPECT_EQ(rules[0].body_field, nullptr);
  EXPECT_EQ(rules[1].verb, "PUT");
  EXPECT_EQ(rules[1].body_field->name, "inner");
  EXPECT_EQ(rules[1].response_field->name, "items");
  EXPECT_EQ(rules[2].verb, "REPORT");
  EXPECT_TRUE(rules[2].body_field->map);
  EXPECT_EQ(rules[3].verb, "*");
}

TEST(HttpRules, take_scalars_and_messages_that_are_written_as_text) {
  EXPECT_EQ(problems_of(R"(get: "/{time}/{count}/{mask}/{raw_bytes}/{left}")"), Texts{});
}

TEST(HttpRules, say_what_is_wrong) {
  const struct {
    std::string rule;
    std::string problem;
  } cases[] = {
      {R"(get: "a")",
       "has a bad path \"a\": column 1: a template begins with '/'; see "
       "google/api/http.proto for its syntax"},
      {R"(get: "/{nope}")",
       "names \"nope\", but p.Request has no field \"nope\"; use a field that "
       "Request declares"},
      {R"(get: "/{inner.nope}")",
       "names \"inner.nope\", but p.Inner has no field \"nope\"; use a "
       "field that Inner declares"},
      {R"(get: "/{rawBytes}")",
       "names \"rawBytes\", but p.Request has no field \"rawBytes\"; write "
       "\"raw_bytes\", as it is declared"},
      {R"(get: "/{inner}")",
       "binds {inner}, but p.Request.inner is a message; bind a singular field "
       "that has one value"},
      {R"(get: "/{any}")",
       "binds {any}, but p.Request.any is a message; bind a singular field that "
       "has one value"},
      {R"(get: "/{tags}")",
       "binds {tags}, but p.Request.tags is repeated; bind a singular field "
       "that has one value"},
      {R"(get: "/{inner.list.id}")",
       "binds {inner.list.id}, but p.Inner.list is repeated; bind a "
       "singular field that has one value"},
      {R"(get: "/{map}")",
       "binds {map}, but p.Request.map is a map; bind a singular field that has "
       "one value"},
      {R"(get: "/{id.x}")",
       "binds {id.x}, but p.Request.id is no message; bind a singular field "
       "that has one value"},
      {R"(get: "/{id}/{id}")", "binds {id} and {id} to the same field; leave one of them out"},
      {R"(get: "/{time}/{time.seconds}")",
       "binds {time} and {time.seconds} to the same field; leave "
       "one of them out"},
      {R"(get: "/{left}/{right}")",
       "binds {left} and {right}, two members of the oneof \"choice\"; "
       "leave one of them out"},
      {R"(post: "/a" body: "nope")",
       "names \"nope\", but p.Request has no field \"nope\"; use a "
       "field that Request declares"},
      {R"(post: "/a" body: "inner.id")",
       "has \"inner.id\" for body; write \"*\" or a field of the "
       "request itself"},
      {R"(post: "/{id}" body: "id")",
       "binds p.Request.id from the path and from the body; bind it "
       "from one of them"},
      {R"(get: "/a" response_body: "*")",
       "has \"*\" for response_body; write a field of the response "
       "itself, or leave it out for all of it"},
      {R"(custom { kind: "A B" path: "/a" })",
       "has \"A B\" for an HTTP method; write its name in "
       "capitals, or \"*\" for every method"},
      {R"(body: "*")", "has no path; write get, put, post, delete, patch or custom"},
      {R"(get: "/{id}" additional_bindings { get: "/{left}" })",
       "has the route GET /{left} twice; leave one of them out"},
      {R"(get: "/a" additional_bindings { get: "/b" additional_bindings { get: "/c" } })",
       "has additional_bindings within additional_bindings; list them side by side in the outer "
       "rule"},
  };
  for (const auto& each : cases) EXPECT_EQ(problem_of(each.rule), each.problem) << each.rule;
}

TEST(HttpRules, let_the_path_reach_into_the_body) {
  EXPECT_EQ(problems_of(R"(post: "/{inner.id}" body: "inner")"), Texts{});
}

TEST(HttpRules, report_every_mistake_of_a_rule) {
  EXPECT_EQ(problems_of(R"(get: "/{a}/{b}" body: "c" response_body: "d")").size(), 4u);
}

TEST(HttpRules, from_the_configuration_replace_the_annotation) {
  LoadOptions options;
  ConfiguredRule more;
  more.verb = "DELETE";
  more.path = "/z";
  options.rules.push_back({.selector = "p.S.Do",
                           .verb = "GET",
                           .path = "/x/{id}",
                           .additional = {more},
                           .file = "parley.yaml",
                           .line = 4,
                           .column = 2});
  options.rules.push_back({.selector = "p.S.Other", .verb = "GET", .path = "/y"});
  const Loaded loaded = loaded_from(proto_with("get: \"/a\""), options);
  ASSERT_TRUE(loaded.contract.has_value());
  EXPECT_EQ(loaded.unmatched_rules, std::vector<size_t>{1});
  const auto& rules = loaded.contract->find_method("/p.S/Do")->rules;
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].path.text, "/x/{id}");
  EXPECT_TRUE(rules[0].from_config);
  EXPECT_EQ(rules[0].location.file, "parley.yaml");
  EXPECT_EQ(rules[1].verb, "DELETE");
  EXPECT_EQ(rules[1].location.line, 4);
}

TEST(HttpRules, from_the_configuration_are_checked_where_they_were_written) {
  LoadOptions options;
  options.rules.push_back({.selector = "p.S.Do",
                           .verb = "GET",
                           .path = "/{nope}",
                           .file = "parley.yaml",
                           .line = 4,
                           .column = 2});
  EXPECT_EQ(problems_of("get: \"/a\"", options),
            Texts{"parley.yaml:4:2: the HTTP rule of p.S.Do names \"nope\", but p.Request has no "
                  "field \"nope\"; use a field that Request declares"});
}

TEST(HttpRules, of_one_selector_the_last_one_counts) {
  LoadOptions options;
  options.rules.push_back(
      {.selector = "p.S.Do", .verb = "GET", .path = "/x", .file = "a.yaml", .line = 1});
  options.rules.push_back(
      {.selector = "p.S.Do", .verb = "GET", .path = "/y", .file = "a.yaml", .line = 2});
  const Loaded loaded = loaded_from(proto_with("get: \"/a\""), options);
  ASSERT_TRUE(loaded.contract.has_value());
  EXPECT_EQ(loaded.contract->find_method("/p.S/Do")->rules[0].path.text, "/y");
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_EQ(loaded.problems[0].text(),
            "a.yaml:1: a later HTTP rule for p.S.Do replaces this one; use additional_bindings for "
            "a second route");
}

}  // namespace
}  // namespace parley::contract
