#include "contract/load.h"

#include <bit>
#include <limits>

#include <fmt/format.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "contract/contract_fake.h"

namespace parley::contract {
namespace {

using google::protobuf::FileDescriptorProto;

std::vector<std::string> texts(const Loaded& loaded) {
  std::vector<std::string> out;
  for (const Problem& problem : loaded.problems) out.push_back(problem.text());
  return out;
}

// The one file of a source without imports, for a test to bend.
FileDescriptorProto descriptor_of(const std::string& proto_text) {
  FileDescriptorProto out;
  EXPECT_TRUE(out.ParseFromString(source_from_files({{"test.proto", proto_text}}).files.at(0)));
  return out;
}

Loaded load_files(std::initializer_list<FileDescriptorProto> files) {
  Source source;
  for (const auto& file : files) source.files.push_back(file.SerializePartialAsString());
  return load(std::move(source));
}

using Texts = std::vector<std::string>;

TEST(Load, links_messages_services_and_rules) {
  const Contract contract = contract_from(R"(
    syntax = "proto3";
    package shop.v1;
    import "google/api/annotations.proto";
    message User { string user_id = 1; repeated int32 scores = 3; map<string, User> friends = 4; }
    message GetUserRequest { User user = 1; }
    service Users {
      rpc GetUser(GetUserRequest) returns (stream User) {
        option idempotency_level = NO_SIDE_EFFECTS;
        option (google.api.http) = { get: "/v1/users/{user.user_id}" };
      }
    }
  )");
  const Method* method = contract.find_method("/shop.v1.Users/GetUser");
  ASSERT_NE(method, nullptr);
  EXPECT_EQ(method->full_name, "shop.v1.Users.GetUser");
  EXPECT_EQ(method->name, "GetUser");
  EXPECT_EQ(method->input, contract.find_message("shop.v1.GetUserRequest"));
  EXPECT_FALSE(method->client_streaming);
  EXPECT_TRUE(method->server_streaming);
  EXPECT_EQ(method->idempotency, Idempotency::NoSideEffects);
  EXPECT_EQ(method->service, contract.find_service("shop.v1.Users"));
  EXPECT_EQ(method->location.line, 8);
  ASSERT_EQ(method->rules.size(), 1u);
  EXPECT_EQ(method->rules[0].location.line, 10);
  EXPECT_EQ(method->rules[0].location.file, "test.proto");
  const Message* user = contract.find_message("shop.v1.User");
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(user->contract, &contract);
  EXPECT_EQ(user->location.line, 5);
  EXPECT_EQ(user->find(3)->name, "scores");
}

TEST(Load, finds_fields_by_each_name_and_by_number) {
  const Contract contract = contract_from(R"(
    syntax = "proto3";
    message M { int32 user_id = 1; int32 b = 7 [json_name = "user_id"]; int32 c_d_2e = 3; }
  )");
  const Message& message = *contract.find_message("M");
  EXPECT_EQ(message.find("user_id")->number, 1);
  EXPECT_EQ(message.find_json("user_id")->number, 7);
  EXPECT_EQ(message.find_any("user_id")->number, 7);
  EXPECT_EQ(message.find_any("b")->number, 7);
  EXPECT_EQ(message.find_json("userId")->number, 1);
  EXPECT_EQ(message.find_json("cD2e")->number, 3);
  EXPECT_EQ(message.find("userId"), nullptr);
  EXPECT_EQ(message.find(7)->index, 1);
  EXPECT_EQ(message.find(2), nullptr);
  EXPECT_EQ(message.find(""), nullptr);
}

TEST(Load, finds_all_of_many_fields) {
  std::string text = "syntax = \"proto3\"; message M {";
  for (int i = 1; i <= 500; ++i) text += fmt::format("int32 f_{0} = {1};", i, 1000 - i);
  const Contract contract = contract_from(text + "}");
  const Message& message = *contract.find_message("M");
  for (int i = 1; i <= 500; ++i) {
    const Field* field = message.find(fmt::format("f_{}", i));
    ASSERT_NE(field, nullptr);
    EXPECT_EQ(message.find(1000 - i), field);
    EXPECT_EQ(message.find_json(fmt::format("f{}", i)), field);
  }
}

TEST(Load, gives_proto3_fields_their_features) {
  const Contract contract = contract_from(R"(
    syntax = "proto3";
    enum E { A = 0; }
    message M {
      int32 plain = 1; optional int32 maybe = 2; M nested = 3;
      oneof choice { string left = 4; M right = 5; }
      repeated int32 packed = 6; repeated int32 loose = 7 [packed = false]; repeated string s = 8;
      map<int32, M> map = 9; E e = 10;
    }
  )");
  const Message& m = *contract.find_message("M");
  EXPECT_FALSE(m.find("plain")->presence);
  EXPECT_TRUE(m.find("maybe")->presence);
  EXPECT_EQ(m.find("maybe")->oneof, nullptr);
  EXPECT_TRUE(m.find("nested")->presence);
  EXPECT_TRUE(m.find("left")->presence);
  EXPECT_EQ(m.find("left")->oneof, m.find("right")->oneof);
  EXPECT_TRUE(m.find("packed")->packed);
  EXPECT_FALSE(m.find("loose")->packed);
  EXPECT_FALSE(m.find("s")->packed);
  EXPECT_TRUE(m.find("s")->validate_utf8);
  EXPECT_TRUE(m.find("map")->map);
  EXPECT_FALSE(m.find("map")->presence);
  EXPECT_EQ(m.find("map")->map_key().type, Type::Int32);
  EXPECT_EQ(m.find("map")->map_value().message, &m);
  EXPECT_FALSE(m.find("e")->enumeration->closed);
  ASSERT_EQ(m.oneofs.size(), 2u);
  EXPECT_EQ(m.oneofs[0].name, "choice");
  EXPECT_EQ(m.oneofs[0].fields.size(), 2u);
  EXPECT_FALSE(m.oneofs[0].synthetic);
  EXPECT_TRUE(m.oneofs[1].synthetic);
}

TEST(Load, gives_proto2_fields_their_features_and_defaults) {
  const Contract contract = contract_from(R"(
    syntax = "proto2";
    enum E { X = 3; Y = -5; }
    message M {
      required string s = 1 [default = "a\"b"]; optional bytes b = 2 [default = "\001\xffz"];
      optional double d = 3 [default = -inf]; optional float f = 4 [default = 1.5];
      optional int32 i = 5 [default = -7]; optional uint64 u = 6 [default = 18446744073709551615];
      optional bool t = 7 [default = true]; optional E first = 8; optional E y = 9 [default = Y];
      repeated int32 loose = 10; optional group G = 11 { optional int32 x = 1; }
    }
  )");
  const Message& m = *contract.find_message("M");
  EXPECT_TRUE(m.find("s")->required);
  EXPECT_TRUE(m.find("s")->presence);
  EXPECT_FALSE(m.find("s")->validate_utf8);
  EXPECT_EQ(m.find("s")->default_text(), "a\"b");
  EXPECT_EQ(m.find("b")->default_text(), std::string_view("\001\xffz"));
  EXPECT_EQ(m.find("d")->default_bits,
            std::bit_cast<uint64_t>(-std::numeric_limits<double>::infinity()));
  EXPECT_EQ(m.find("f")->default_bits, std::bit_cast<uint32_t>(1.5f));
  EXPECT_EQ(m.find("i")->default_bits, static_cast<uint64_t>(int64_t{-7}));
  EXPECT_EQ(m.find("u")->default_bits, UINT64_MAX);
  EXPECT_EQ(m.find("t")->default_bits, 1u);
  EXPECT_EQ(m.find("first")->default_bits, 3u);
  EXPECT_EQ(m.find("y")->default_bits, static_cast<uint64_t>(int64_t{-5}));
  EXPECT_TRUE(m.find("first")->enumeration->closed);
  EXPECT_FALSE(m.find("loose")->packed);
  EXPECT_EQ(m.find("g")->type, Type::Group);
  EXPECT_TRUE(m.find("g")->delimited);
  EXPECT_EQ(m.find("g")->message->full_name, "M.G");
}

TEST(Load, attaches_extensions_to_what_they_extend) {
  const Contract contract = contract_from_files({{"a.proto", R"(
    syntax = "proto2"; package p;
    message M { optional int32 x = 1; extensions 100 to max; })"},
                                                 {"b.proto", R"(
    syntax = "proto2"; package q; import "a.proto";
    extend p.M { optional string note = 100; }
    message Scope { extend p.M { repeated int32 x = 200 [packed = true]; } })"}});
  const Message& m = *contract.find_message("p.M");
  ASSERT_EQ(m.fields.size(), 3u);
  const Field* note = m.find_json("[q.note]");
  ASSERT_NE(note, nullptr);
  EXPECT_TRUE(note->extension);
  EXPECT_TRUE(note->presence);
  EXPECT_EQ(note->parent, &m);
  EXPECT_EQ(m.find(200)->full_name, "q.Scope.x");
  EXPECT_EQ(m.find("x")->number, 1);
  EXPECT_EQ(contract.find_extension_file("p.M", 200)->name, "b.proto");
  EXPECT_EQ(contract.find_extension_file("p.M", 1), nullptr);
  EXPECT_EQ(contract.find_symbol_file("q.Scope.x")->name, "b.proto");
}

TEST(Load, finds_the_file_of_each_kind_of_symbol) {
  const Contract contract = contract_from(R"(
    syntax = "proto3"; package p;
    message M { message N { int32 x = 1; } } enum E { A = 0; }
    service S { rpc Do(M) returns (M); }
  )");
  for (const auto* name : {"p.M", "p.M.N", "p.M.N.x", "p.E", "p.S", "p.S.Do"})
    EXPECT_NE(contract.find_symbol_file(name), nullptr) << name;
  for (const auto* name : {"p", "p.M.N.y", "", "p.S.Undo", "M"})
    EXPECT_EQ(contract.find_symbol_file(name), nullptr) << name;
  EXPECT_EQ(contract.find_enum("p.M"), nullptr);
  EXPECT_EQ(contract.find_message("p.E"), nullptr);
  EXPECT_EQ(contract.find_method("/p.S/Undo"), nullptr);
}

TEST(Load, keeps_enum_aliases_behind_the_first_of_their_number) {
  const Contract contract = contract_from(R"(
    syntax = "proto3";
    enum E { option allow_alias = true; Z = 0; B = 2; A = 1 [deprecated = true]; A_TOO = 1; }
  )");
  const Enum& e = *contract.find_enum("E");
  EXPECT_EQ(e.find(1)->name, "A");
  EXPECT_EQ(e.find("A_TOO")->number, 1);
  EXPECT_TRUE(e.find("A")->deprecated);
  EXPECT_EQ(e.find(9), nullptr);
  EXPECT_EQ(e.find("C"), nullptr);
}

TEST(Load, reads_googles_annotations_of_fields_and_messages) {
  const Contract contract = contract_from(R"(
    syntax = "proto3";
    import "google/api/field_behavior.proto"; import "google/api/resource.proto";
    message M {
      option (google.api.resource) = { type: "shop.example/User" pattern: "users/{user}" };
      string a = 1 [(google.api.field_behavior) = REQUIRED, (google.api.field_behavior) = IMMUTABLE];
      string b = 2 [(google.api.resource_reference).type = "shop.example/Order", deprecated = true];
      string c = 3 [(google.api.resource_reference).child_type = "shop.example/Item"];
    }
  )");
  const Message& m = *contract.find_message("M");
  EXPECT_EQ(m.resource_type, "shop.example/User");
  EXPECT_TRUE(m.find("a")->has(Behavior::Required));
  EXPECT_TRUE(m.find("a")->has(Behavior::Immutable));
  EXPECT_FALSE(m.find("a")->has(Behavior::OutputOnly));
  EXPECT_EQ(m.find("b")->resource_reference(), "shop.example/Order");
  EXPECT_EQ(m.find("c")->resource_reference(), "shop.example/Item");
  EXPECT_TRUE(m.find("b")->deprecated);
  EXPECT_FALSE(m.find("b")->options().empty());
  EXPECT_TRUE(contract.find_message("google.api.ResourceDescriptor")->find(1)->options().empty());
}

TEST(Load, recognises_well_known_types) {
  const Contract contract = contract_from(R"(
    syntax = "proto3";
    import "google/protobuf/struct.proto"; import "google/protobuf/wrappers.proto";
    import "google/api/httpbody.proto";
    message M { google.protobuf.Value v = 1; google.protobuf.UInt64Value w = 2;
                google.api.HttpBody body = 3; }
  )");
  const Message& m = *contract.find_message("M");
  EXPECT_EQ(m.well_known, WellKnown::None);
  EXPECT_EQ(m.find(1)->message->well_known, WellKnown::Value);
  EXPECT_EQ(m.find(2)->message->well_known, WellKnown::Uint64Value);
  EXPECT_EQ(m.find(3)->message->well_known, WellKnown::HttpBody);
  EXPECT_EQ(contract.find_message("google.protobuf.Any")->well_known, WellKnown::Any);
  EXPECT_TRUE(contract.find_enum("google.protobuf.NullValue")->null_value);
}

TEST(Load, refuses_a_well_known_name_with_other_fields) {
  const auto file = descriptor_of(
      "syntax = \"proto3\"; package google.protobuf; message Timestamp { string text = 1; }");
  EXPECT_EQ(texts(load_files({file})),
            Texts{"test.proto:1:45: google.protobuf.Timestamp does not have the fields that this "
                  "name stands for; use the file that comes with protobuf or googleapis"});
}

TEST(Load, resolves_relative_names_from_the_innermost_scope) {
  auto file = descriptor_of(R"(syntax = "proto3"; package a.b;
    message T {} message M { message T { int32 x = 1; } T t = 1; a.b.T u = 2; })");
  file.mutable_message_type(1)->mutable_field(0)->set_type_name("T");
  file.mutable_message_type(1)->mutable_field(0)->clear_type();
  file.mutable_message_type(1)->mutable_field(1)->set_type_name("b.T");
  const Loaded loaded = load_files({file});
  ASSERT_TRUE(loaded.contract.has_value());
  EXPECT_EQ(loaded.contract->find_message("a.b.M")->find(1)->message->full_name, "a.b.M.T");
  EXPECT_EQ(loaded.contract->find_message("a.b.M")->find(2)->message->full_name, "a.b.T");
}

TEST(Load, takes_one_file_twice_even_without_its_positions) {
  const auto file = descriptor_of("syntax = \"proto3\"; message M {}");
  auto bare = file;
  bare.clear_source_code_info();
  const Loaded loaded = load_files({file, file, bare});
  ASSERT_TRUE(loaded.contract.has_value());
  EXPECT_EQ(loaded.contract->files().size(), 1u);
}

TEST(Load, refuses_two_files_of_one_name) {
  const Loaded loaded = load_files({descriptor_of("syntax = \"proto3\"; message M {}"),
                                    descriptor_of("syntax = \"proto3\"; message N {}")});
  EXPECT_EQ(texts(loaded), Texts{"test.proto: two different files have this name; rename one of "
                                 "them"});
}

TEST(Load, warns_of_a_missing_import_that_no_type_needs) {
  auto file = descriptor_of("syntax = \"proto3\"; message M {}");
  file.add_dependency("options.proto");
  const Loaded loaded = load_files({file});
  EXPECT_TRUE(loaded.contract.has_value());
  EXPECT_EQ(texts(loaded),
            Texts{"test.proto: the import \"options.proto\" is missing; no type of it is needed; "
                  "options that it declares have no effect"});
}

TEST(Load, says_where_a_field_and_an_extension_stand_whose_types_are_missing) {
  Source source = source_from_files(
      {{"a.proto", "syntax = \"proto2\"; package p; message M { extensions 100 to max; }"},
       {"c.proto", "syntax = \"proto2\"; package p; message Gone {}"},
       {"b.proto", R"(syntax = "proto2"; package p;
         import "a.proto"; import "c.proto";
         extend M { optional Gone far = 100; }
         message N {
           optional Gone near = 1; })"}});
  std::erase_if(source.files, [](const auto& file) { return file.starts_with("\n\007c.proto"); });
  const Loaded loaded = load(std::move(source));
  Texts places;
  for (const Problem& problem : loaded.problems)
    places.push_back(fmt::format("{}:{}", problem.file, problem.line));
  EXPECT_EQ(places, (Texts{"b.proto:5", "b.proto:3"}));
}

TEST(Load, names_the_missing_import_and_who_needs_its_type) {
  auto file = descriptor_of("syntax = \"proto3\"; message M { M n = 1; }");
  file.add_dependency("other.proto");
  file.mutable_message_type(0)->mutable_field(0)->set_type_name(".x.Other");
  const Loaded loaded = load_files({file});
  EXPECT_FALSE(loaded.contract.has_value());
  EXPECT_EQ(texts(loaded),
            Texts{"test.proto:1:32: M.n needs \"x.Other\", which no file declares; its import "
                  "\"other.proto\" is missing: add the file, or -I with its folder; a descriptor "
                  "set takes them in with protoc --include_imports, or buf build -o"});
}

TEST(Load, reports_all_problems_at_once) {
  auto file = descriptor_of(R"(syntax = "proto3";
    message M { M a = 1; M b = 2; } service S { rpc Do(M) returns (M); })");
  file.mutable_message_type(0)->mutable_field(0)->set_type_name(".X");
  file.mutable_message_type(0)->mutable_field(1)->set_number(0);
  file.mutable_service(0)->mutable_method(0)->set_input_type(".Y");
  EXPECT_EQ(load_files({file}).problems.size(), 3u);
}

TEST(Load, two_fields_with_one_json_name_are_an_error_where_json_is_promised) {
  const auto load_as = [](const char* syntax) {
    auto file = descriptor_of(R"(syntax = "proto2"; package p;
      message M { optional int32 a_b = 1; optional int32 a__b = 2; })");
    file.set_syntax(syntax);
    for (auto& field : *file.mutable_message_type(0)->mutable_field()) field.set_json_name("aB");
    return load_files({file});
  };
  EXPECT_EQ(texts(load_as("proto3")),
            Texts{"test.proto:2:43: p.M.a_b and p.M.a__b have the same JSON name \"aB\"; set "
                  "json_name on one of them"});
  const Loaded loaded = load_as("proto2");
  EXPECT_EQ(texts(loaded),
            Texts{"test.proto:2:43: p.M.a_b and p.M.a__b have the same JSON name \"aB\"; p.M.a__b "
                  "is \"a__b\" in JSON"});
  const Message& message = *loaded.contract->find_message("p.M");
  EXPECT_EQ(message.find_json("aB")->name, "a_b");
  EXPECT_EQ(message.find_json("a__b")->name, "a__b");
}

TEST(Load, refuses_what_no_compiler_makes) {
  const auto good = descriptor_of(R"(syntax = "proto3"; package p;
    message M { oneof o { int32 a = 1; } map<string, int32> m = 2; } enum E { A = 0; })");
  const auto problem_of = [&](auto bend) {
    FileDescriptorProto file = good;
    file.clear_source_code_info();
    bend(file);
    const Loaded loaded = load_files({file});
    return loaded.problems.empty() ? "none" : loaded.problems.front().what;
  };
  const auto field = [](FileDescriptorProto& file) {
    return file.mutable_message_type(0)->mutable_field(0);
  };
  EXPECT_EQ(problem_of([](auto&) {}), "none");
  EXPECT_EQ(problem_of([&](auto& file) { field(file)->set_oneof_index(7); }),
            "p.M.a is in a oneof that p.M does not have");
  EXPECT_EQ(problem_of([&](auto& file) { field(file)->set_number(2); }),
            "p.M.a and p.M.m have the same number 2");
  EXPECT_EQ(problem_of([&](auto& file) { field(file)->set_name("m"); }), "p.M.m is declared twice");
  EXPECT_EQ(problem_of([&](auto& file) { field(file)->clear_type(); }), "p.M.a has no type");
  EXPECT_EQ(problem_of([&](auto& file) { field(file)->set_default_value("x"); }),
            "p.M.a cannot have this default");
  EXPECT_EQ(problem_of([&](auto& file) { field(file)->set_json_name("\"\xff"); }),
            "p.M.a has a json_name that JSON cannot write as it is");
  EXPECT_EQ(problem_of([&](auto& file) { field(file)->set_type_name(".p.E"); }),
            "the type of p.M.a is declared as .p.E, which is another kind of thing");
  EXPECT_EQ(problem_of([](auto& file) { file.mutable_message_type(0)->set_name("a b\n"); }),
            "\"a b?\" in \"p\" is no name, or too long a one");
  EXPECT_EQ(problem_of([](auto& file) { file.set_package("a..b"); }),
            "\"a..b\" is no package name");
  EXPECT_EQ(problem_of([](auto& file) { file.mutable_enum_type(0)->clear_value(); }),
            "enum p.E has no values");
  EXPECT_EQ(problem_of([](auto& file) { file.mutable_enum_type(0)->set_name("M"); }),
            "\"p.M\" is declared twice, here and in test.proto");
  EXPECT_EQ(problem_of([](auto& file) {
              file.mutable_message_type(0)->mutable_nested_type(0)->mutable_field(1)->set_number(3);
            }),
            "p.M.MEntry is no entry of a map: it needs a key and a value");
  EXPECT_EQ(problem_of([](auto& file) { file.set_syntax("proto9"); }),
            "syntax \"proto9\" is not one that this version knows");
  EXPECT_EQ(problem_of([](auto& file) { file.clear_name(); }),
            "a file of the contract has no name");
}

TEST(Load, refuses_bytes_that_are_no_file) {
  Source source;
  source.files.push_back("\xff\xff");
  const Loaded loaded = load(std::move(source));
  EXPECT_FALSE(loaded.contract.has_value());
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_EQ(loaded.problems[0].what, "file 1 of the contract is no FileDescriptorProto");
}

TEST(Load, makes_an_empty_contract_of_no_files) {
  const Loaded loaded = load({});
  ASSERT_TRUE(loaded.contract.has_value());
  EXPECT_EQ(loaded.contract->method_count(), 0u);
  EXPECT_EQ(loaded.contract->find_message("M"), nullptr);
}

TEST(Contract, keeps_its_pointers_when_it_moves) {
  Contract first = contract_from("syntax = \"proto3\"; message M {} service S {}");
  const Message* message = first.find_message("M");
  const Contract second = std::move(first);
  EXPECT_EQ(second.find_message("M"), message);
  EXPECT_EQ(message->contract, &second);
  EXPECT_EQ(second.find_service("S")->contract, &second);
}

TEST(Problem, leaves_out_what_is_not_known) {
  using enum Problem::Severity;
  EXPECT_EQ((Problem{Error, "a.proto", 3, 7, "bad", "mend it"}).text(),
            "a.proto:3:7: bad; mend it");
  EXPECT_EQ((Problem{Error, "a.proto", 0, 0, "bad", ""}).text(), "a.proto: bad");
  EXPECT_EQ((Problem{Error, "", 0, 0, "bad", ""}).text(), "bad");
}

TEST(Problems, counts_what_is_too_much_to_list) {
  Problems problems;
  for (size_t i = 0; i < Problems::kProblemsMax + 5; ++i) problems.error({}, "bad");
  const auto list = problems.take();
  ASSERT_EQ(list.size(), Problems::kProblemsMax + 1);
  EXPECT_EQ(list.back().what, "5 more problems");
}

}  // namespace
}  // namespace parley::contract
