#include "contract/compare.h"

#include <gtest/gtest.h>

#include "contract/contract_fake.h"
#include "contract/known_types.h"

namespace parley::contract {
namespace {

using Texts = std::vector<std::string>;

Texts changes(const std::string& before, const std::string& after) {
  const std::string head = "syntax = \"proto3\"; import \"google/api/annotations.proto\";";
  Texts out;
  for (const Change& change : compare(contract_from(head + before), contract_from(head + after)))
    out.push_back(change.text());
  return out;
}

TEST(Compare, finds_nothing_between_equal_contracts) {
  EXPECT_EQ(changes("message M { int32 a = 1; }", "message M { int32 a = 1; }"), Texts{});
}

TEST(Compare, tells_additions_from_removals) {
  EXPECT_EQ(changes("message A {} enum E { X = 0; } service S {}",
                    "message B {} enum F { Y = 0; } service T {}"),
            (Texts{"breaking: S: the service is gone", "breaking: A: the message is gone",
                   "breaking: E: the enum is gone", "T: the service is new",
                   "B: the message is new", "F: the enum is new"}));
}

TEST(Compare, matches_fields_by_number) {
  EXPECT_EQ(
      changes("message M { int32 a = 1; string b = 2; repeated M c = 3; }",
              "message M { int32 z = 1; bytes b = 2; string d = 4; map<string, M> e = 5; }"),
      (Texts{"breaking: M.a: its name was a and is z",
             "breaking: M.b: its type was string and is bytes", "breaking: M.c: field 3 is gone",
             "M.d: field 4 is new", "M.e: field 5 is new"}));
}

TEST(Compare, sees_json_names_oneofs_presence_and_deprecation) {
  EXPECT_EQ(changes("message M { int32 a = 1; int32 b = 2; int32 c = 3; int32 d = 4; }",
                    "message M { int32 a = 1 [json_name = \"x\"]; oneof o { int32 b = 2; } "
                    "optional int32 c = 3; int32 d = 4 [deprecated = true]; }"),
            (Texts{"breaking: M.a: its JSON name was a and is x",
                   "breaking: M.b: its oneof was none and is o",
                   "M.b: its presence was implicit and is explicit",
                   "M.c: its presence was implicit and is explicit", "M.d: it is deprecated now"}));
}

TEST(Compare, takes_a_field_that_becomes_required_for_breaking) {
  const std::string import = "import \"google/api/field_behavior.proto\";";
  const std::string required = "[(google.api.field_behavior) = REQUIRED]";
  EXPECT_EQ(
      changes(import + "message M { int32 a = 1; }",
              import + "message M { int32 a = 1 " + required + "; int32 b = 2 " + required + "; }"),
      (Texts{"breaking: M.a: it is required now", "breaking: M.b: field 2 is new"}));
}

TEST(Compare, follows_methods_and_their_routes) {
  const std::string m = "message A { string id = 1; string n = 2; } message B { A a = 1; } ";
  EXPECT_EQ(
      changes(m + R"(service S { rpc Gone(A) returns (A);
                      rpc Do(A) returns (A) { option (google.api.http) = { get: "/a/{id}"
                        additional_bindings { post: "/b" body: "*" } }; } })",
              m + R"(service S { rpc New(A) returns (A);
                      rpc Do(A) returns (stream B) { option (google.api.http) = { get: "/a/{n}"
                        additional_bindings { post: "/b" body: "id" }
                        additional_bindings { get: "/c" } }; } })"),
      (Texts{"breaking: S.Gone: the method is gone", "breaking: S.Do: its response was A and is B",
             "breaking: S.Do: its kind was unary and is server streaming",
             "S.Do: its variable of GET /a/* was id and is n",
             "breaking: S.Do: its body of POST /b was \"*\" and is \"id\"",
             "S.Do: the route GET /c is new", "S.New: the method is new"}));
}

TEST(Compare, matches_enum_values_by_name) {
  EXPECT_EQ(changes("enum E { A = 0; B = 1; C = 2; }", "enum E { A = 0; B = 3; D = 2; }"),
            (Texts{"breaking: E.B: its number was 1 and is 3", "breaking: E.C: value 2 is gone",
                   "E.D: value 2 is new"}));
}

TEST(Same, compares_files_in_any_order_and_the_rules_in_use) {
  Source source = source_from_files({{"a.proto", "syntax = \"proto3\"; message A {}"},
                                     {"b.proto", "syntax = \"proto3\"; service B {}"}});
  const Loaded first = load(source);
  std::swap(source.files[0], source.files[1]);
  const Loaded swapped = load(source);
  LoadOptions unused;
  unused.rules.push_back({.selector = "other.S.Do", .verb = "GET", .path = "/"});
  const Loaded with_unused_rule = load(source, unused);
  source.files.pop_back();
  const Loaded shorter = load(source);
  EXPECT_TRUE(same(*first.contract, *swapped.contract));
  EXPECT_TRUE(same(*first.contract, *with_unused_rule.contract));
  EXPECT_FALSE(same(*first.contract, *shorter.contract));
}

TEST(KnownTypes, hold_what_every_door_must_decode) {
  for (const auto* name : {"google.rpc.Status", "google.rpc.BadRequest", "google.rpc.RetryInfo",
                           "google.rpc.ErrorInfo", "google.rpc.LocalizedMessage",
                           "google.protobuf.Any", "google.protobuf.Struct", "google.api.HttpBody",
                           "google.protobuf.StringValue", "google.protobuf.FieldMask"})
    EXPECT_NE(known_types().find_message(name), nullptr) << name;
  EXPECT_EQ(&known_types(), &known_types());
  EXPECT_EQ(known_types().find_message("google.rpc.Status")->contract, &known_types());
}

}  // namespace
}  // namespace parley::contract
