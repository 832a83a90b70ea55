#include "contract/proto_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "contract/builtin_protos.h"
#include "contract/contract_fake.h"

namespace parley::contract {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

// A folder that is gone after the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "contract-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    const fs::path path = path_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

Texts texts(const std::vector<Problem>& problems) {
  Texts out;
  for (const Problem& problem : problems) out.push_back(problem.text());
  return out;
}

Texts compile_problems(const std::map<std::string, std::string>& files) {
  return texts(loaded_from_files(files).problems);
}

TEST(ProtoFiles, resolve_imports_from_include_folders) {
  const Folder folder;
  folder.write("protos/shop/user.proto", "syntax = \"proto3\"; package shop; message User {}");
  folder.write("protos/shop/api.proto", R"(syntax = "proto3"; package shop;
    import "shop/user.proto"; service Users { rpc Get(User) returns (User); })");
  for (const std::string& file : {std::string("shop/api.proto"), folder / "protos/shop/api.proto",
                                  folder / "protos/../protos/./shop/api.proto"}) {
    const Loaded loaded = load_proto_files({{file}, {folder / "protos/"}});
    ASSERT_TRUE(loaded.contract.has_value()) << file << ": " << texts(loaded.problems).at(0);
    EXPECT_NE(loaded.contract->find_method("/shop.Users/Get"), nullptr);
    EXPECT_NE(loaded.contract->find_file("shop/api.proto"), nullptr);
  }
}

TEST(ProtoFiles, below_no_include_folder_bring_their_own) {
  const Folder folder;
  folder.write("user.proto", "syntax = \"proto3\"; message User {}");
  const auto api = folder.write(
      "api.proto", "syntax = \"proto3\"; import \"user.proto\"; message Api { User user = 1; }");
  const Loaded loaded = load_proto_files({{api}, {}});
  ASSERT_TRUE(loaded.contract.has_value());
  EXPECT_NE(loaded.contract->find_file("api.proto"), nullptr);
}

TEST(ProtoFiles, that_are_not_there_are_named) {
  const Folder folder;
  EXPECT_EQ(texts(load_proto_files({{"nope.proto"}, {folder.path()}}).problems),
            Texts{"nope.proto: there is no such file; add -I with the folder that has it"});
}

TEST(ProtoFiles, say_where_they_were_looked_for) {
  const Folder folder;
  const auto file = folder.write("a.proto", "syntax = \"proto3\"; import \"sub/b.proto\";");
  const Loaded loaded = load_proto_files({{file}, {folder / "first"}});
  for (const auto& path : {file, folder / "sub/b.proto", folder / "first/sub/b.proto"})
    EXPECT_EQ(std::ranges::count(loaded.paths, path), 1) << path;
  EXPECT_EQ(load_descriptor_set(folder / "none").paths, std::vector{folder / "none"});
}

TEST(ProtoFiles, warn_of_an_include_folder_that_is_not_there) {
  const Folder folder;
  const auto file = folder.write("a.proto", "syntax = \"proto3\"; message A {}");
  const Loaded loaded = load_proto_files({{file}, {folder / "nope"}});
  EXPECT_TRUE(loaded.contract.has_value());
  EXPECT_EQ(texts(loaded.problems), Texts{folder / "nope" + ": there is no such folder to include "
                                                            "from; correct or leave out -I"});
}

TEST(ProtoFiles, may_replace_googles_but_not_protobufs_own) {
  const Contract contract = contract_from_files(
      {{"google/type/money.proto", "syntax = \"proto3\"; package google.type; message Mine {}"},
       {"google/protobuf/empty.proto", "syntax = \"proto3\"; package x; message Mine {}"},
       {"a.proto", R"(syntax = "proto3"; import "google/type/money.proto";
          import "google/protobuf/empty.proto";
          message A { google.type.Mine m = 1; google.protobuf.Empty e = 2; })"}});
  EXPECT_EQ(contract.find_message("x.Mine"), nullptr);
}

TEST(ProtoCompiler, has_every_builtin_file_and_they_all_compile) {
  std::vector<std::string> names;
  for (size_t i = 0; i < detail::kBuiltinTextCount; ++i)
    names.emplace_back(detail::kBuiltinTexts[i].name);
  EXPECT_GE(names.size(), 20u);
  Compiled compiled = compile_protos(names, [](const std::string&) { return std::nullopt; });
  EXPECT_EQ(texts(compiled.problems), Texts{});
  const Loaded loaded = load(std::move(compiled.source));
  EXPECT_EQ(texts(loaded.problems), Texts{});
  EXPECT_TRUE(loaded.contract.has_value());
}

TEST(ProtoCompiler, says_where_the_syntax_is_wrong) {
  EXPECT_EQ(compile_problems({{"a.proto", "syntax = \"proto3\";\nmessage A {\n  int32 = 1;\n}\n"},
                              {"b.proto", "syntax = \"proto3\";\nmesage B {}\n"}}),
            (Texts{"a.proto:3:9: Expected field name",
                   "b.proto:2:1: Expected top-level statement (e.g. \"message\")"}));
}

TEST(ProtoCompiler, says_where_a_type_is_unknown_in_each_file) {
  EXPECT_EQ(compile_problems(
                {{"a.proto", "syntax = \"proto3\";\nmessage A {\n  Nope n = 1;\n  Never m = 2; }"},
                 {"b.proto", "syntax = \"proto3\";\nmessage B { Nada n = 1; }"},
                 {"c.proto", "syntax = \"proto3\"; import \"a.proto\"; message C { A a = 1; }"}}),
            (Texts{"a.proto:3:3: \"Nope\" is not defined", "a.proto:4:3: \"Never\" is not defined",
                   "b.proto:2:13: \"Nada\" is not defined"}));
}

TEST(ProtoCompiler, names_the_import_that_is_missing_with_a_type_of_it) {
  EXPECT_EQ(compile_problems({{"a.proto",
                               "syntax = \"proto3\";\nimport \"x/y.proto\";\n"
                               "message A { x.Y y = 1; }"}}),
            Texts{"a.proto:3:13: \"x.Y\" is not defined; the import \"x/y.proto\" is missing: add "
                  "-I with the folder that has it"});
}

TEST(ProtoCompiler, drops_options_whose_import_is_missing) {
  const Loaded loaded = loaded_from_files({{"a.proto", R"(syntax = "proto3";
import "google/api/annotations.proto";
import "validate/validate.proto";
option (validate.file) = true;
message A { string id = 1 [(validate.rules).string.min_len = 1, deprecated = true,
                           (validate.more) = {a: 1}]; }
service S { rpc Do(A) returns (A) {
  option (validate.method) = "x";
  option (google.api.http) = { get: "/{id}" }; } })"}});
  ASSERT_TRUE(loaded.contract.has_value()) << texts(loaded.problems).at(0);
  EXPECT_EQ(
      texts(loaded.problems),
      Texts{"a.proto:3:1: the import \"validate/validate.proto\" is missing; no type of it is "
            "needed; options that it declares have no effect"});
  EXPECT_TRUE(loaded.contract->find_message("A")->find("id")->deprecated);
  EXPECT_EQ(loaded.contract->find_method("/S/Do")->rules.size(), 1u);
}

TEST(ProtoCompiler, reports_an_unknown_option_when_no_import_is_missing) {
  const auto problems =
      compile_problems({{"a.proto", "syntax = \"proto3\";\nmessage A { option (nope) = 1; }"}});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(problems[0].starts_with("a.proto:2:20: Option \"(nope)\" unknown")) << problems[0];
}

TEST(ProtoCompiler, asks_for_a_descriptor_set_in_place_of_an_edition) {
  const auto problems =
      compile_problems({{"a.proto", "// licence\n\nedition = \"2023\";\nmessage A {}"}});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(
      problems[0].starts_with("a.proto:3:1: files with an edition cannot be compiled here; "
                              "pass a descriptor set: buf build -o"))
      << problems[0];
}

TEST(ProtoCompiler, breaks_circles_of_imports) {
  EXPECT_EQ(compile_problems({{"a.proto", "syntax = \"proto3\"; import \"b.proto\";"},
                              {"b.proto", "syntax = \"proto3\"; import \"a.proto\";"}}),
            (Texts{"a.proto: its imports lead back to it; break the circle",
                   "b.proto: its imports lead back to it; break the circle"}));
}

TEST(ProtoCompiler, interprets_custom_options_of_the_users_own) {
  const Contract contract = contract_from_files(
      {{"opt.proto", R"(syntax = "proto2"; import "google/protobuf/descriptor.proto";
          extend google.protobuf.MessageOptions { optional string tag = 50000; })"},
       {"a.proto",
        "syntax = \"proto3\"; import \"opt.proto\"; message A { option (tag) = \"x\"; }"}});
  EXPECT_EQ(contract.find_message("A")->options, std::string_view("\x82\xb5\x18\x01x"));
}

TEST(DescriptorSet, loads_what_a_compiler_wrote) {
  const Source source = source_from_files(
      {{"a.proto", "syntax = \"proto3\"; import \"google/protobuf/any.proto\"; message A {}"}});
  std::string set;
  for (const std::string& file : source.files) {
    ASSERT_LT(file.size(), 1u << 14);
    set += {'\x0a', static_cast<char>((file.size() & 0x7F) | 0x80),
            static_cast<char>(file.size() >> 7)};
    set += file;
  }
  const Folder folder;
  const Loaded loaded = load_descriptor_set(folder.write("set.binpb", set));
  ASSERT_TRUE(loaded.contract.has_value());
  EXPECT_NE(loaded.contract->find_message("google.protobuf.Any"), nullptr);
  ASSERT_EQ(loaded.contract->find_file("a.proto")->imports.size(), 1u);
}

TEST(DescriptorSet, says_what_to_do_about_other_files) {
  const Folder folder;
  for (const std::string& text : {std::string(), std::string("syntax = \"proto3\";")}) {
    const Loaded loaded = load_descriptor_set(folder.write("set.binpb", text));
    EXPECT_FALSE(loaded.contract.has_value());
    EXPECT_EQ(
        texts(loaded.problems),
        Texts{folder / "set.binpb" + ": this is no descriptor set; make one with buf build -o "
                                     "FILE, or protoc --include_imports "
                                     "--descriptor_set_out=FILE"});
  }
  const auto problems = texts(load_descriptor_set(folder / "nope").problems);
  EXPECT_TRUE(problems.at(0).starts_with(
      folder / "nope" + ": the descriptor set cannot be read: No such file or directory;"))
      << problems[0];
  EXPECT_TRUE(
      texts(load_descriptor_set(folder.path()).problems)
          .at(0)
          .starts_with(folder.path() + ": the descriptor set cannot be read: it is a folder"));
}

}  // namespace
}  // namespace parley::contract
