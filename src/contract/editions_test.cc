// Files of editions 2023 and later: libprotobuf 3.21 does not know their fields, so that tests add
// them as bytes.
#include <initializer_list>
#include <string>
#include <utility>

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "contract/contract_fake.h"
#include "contract/load.h"

namespace parley::contract {
namespace {

using google::protobuf::FileDescriptorProto;
using google::protobuf::Message;

// Numbers and values of google.protobuf.FeatureSet.
enum Feature : int { kPresence = 1, kEnumType, kRepeated, kUtf8, kMessage, kJson };
using FeatureList = std::initializer_list<std::pair<Feature, uint64_t>>;

void set_features(Message& options, int number, FeatureList list) {
  google::protobuf::UnknownFieldSet set;
  for (const auto& [feature, value] : list) set.AddVarint(feature, value);
  std::string bytes;
  set.SerializeToString(&bytes);
  options.GetReflection()->MutableUnknownFields(&options)->AddLengthDelimited(number, bytes);
}

FileDescriptorProto edition_file(uint64_t edition) {
  FileDescriptorProto file;
  EXPECT_TRUE(file.ParseFromString(source_from_files({{"test.proto", R"(syntax = "proto2";
    enum E { A = 0; }
    message M {
      optional int32 i = 1; optional string s = 2; repeated int32 r = 3; optional M m = 4;
      optional E e = 5; map<string, M> map = 6; oneof o { int32 x = 7; }
      message N { optional int32 i = 1; }
    })"}})
                                       .files.at(0)));
  file.set_syntax("editions");
  file.mutable_unknown_fields()->AddVarint(14, edition);
  return file;
}

Loaded load_file(const FileDescriptorProto& file) {
  Source source;
  source.files.push_back(file.SerializeAsString());
  return load(std::move(source));
}

TEST(Editions, begin_with_the_defaults_of_2023) {
  const Loaded loaded = load_file(edition_file(1000));
  ASSERT_TRUE(loaded.contract.has_value());
  const auto& m = *loaded.contract->find_message("M");
  EXPECT_TRUE(m.find("i")->presence);
  EXPECT_FALSE(m.find("i")->required);
  EXPECT_TRUE(m.find("s")->validate_utf8);
  EXPECT_TRUE(m.find("r")->packed);
  EXPECT_FALSE(m.find("m")->delimited);
  EXPECT_FALSE(m.find("e")->enumeration->closed);
  EXPECT_TRUE(loaded.problems.empty());
}

TEST(Editions, load_2024_and_warn_of_later_ones) {
  EXPECT_TRUE(load_file(edition_file(1001)).problems.empty());
  const Loaded later = load_file(edition_file(1002));
  EXPECT_TRUE(later.contract.has_value());
  ASSERT_EQ(later.problems.size(), 1u);
  EXPECT_EQ(later.problems[0].text(),
            "test.proto: edition 1002 is later than 2024; it is read with the defaults of 2024");
}

TEST(Editions, hand_the_files_features_down) {
  auto file = edition_file(1000);
  set_features(*file.mutable_options(), 50,
               {{kPresence, 2}, {kEnumType, 2}, {kRepeated, 2}, {kUtf8, 3}, {kMessage, 2}});
  const Loaded loaded = load_file(file);
  ASSERT_TRUE(loaded.contract.has_value());
  const auto& m = *loaded.contract->find_message("M");
  EXPECT_FALSE(m.find("i")->presence);
  EXPECT_TRUE(m.find("x")->presence);  // a oneof's members always have it
  EXPECT_TRUE(m.find("m")->presence);
  EXPECT_FALSE(m.find("s")->validate_utf8);
  EXPECT_FALSE(m.find("r")->packed);
  EXPECT_TRUE(m.find("m")->delimited);
  EXPECT_EQ(m.find("m")->type, Type::Group);
  EXPECT_FALSE(m.find("map")->delimited);
  EXPECT_FALSE(m.find("map")->map_value().delimited);
  EXPECT_TRUE(m.find("e")->enumeration->closed);
  EXPECT_FALSE(loaded.contract->find_message("M.N")->find("i")->presence);
}

TEST(Editions, override_features_for_messages_oneofs_fields_and_enums) {
  auto file = edition_file(1000);
  auto* m = file.mutable_message_type(0);
  set_features(*m->mutable_options(), 12, {{kPresence, 2}, {kUtf8, 3}});
  set_features(*m->mutable_field(0)->mutable_options(), 21, {{kPresence, 3}});
  set_features(*m->mutable_field(2)->mutable_options(), 21, {{kRepeated, 2}});
  set_features(*m->mutable_field(3)->mutable_options(), 21, {{kMessage, 2}});
  set_features(*file.mutable_enum_type(0)->mutable_options(), 7, {{kEnumType, 2}});
  const Loaded loaded = load_file(file);
  ASSERT_TRUE(loaded.contract.has_value());
  const auto& linked = *loaded.contract->find_message("M");
  EXPECT_TRUE(linked.find("i")->required);
  EXPECT_TRUE(linked.find("i")->presence);
  EXPECT_FALSE(linked.find("e")->presence);
  EXPECT_FALSE(linked.find("s")->validate_utf8);
  EXPECT_FALSE(linked.find("r")->packed);
  EXPECT_TRUE(linked.find("m")->delimited);
  EXPECT_TRUE(loaded.contract->find_enum("E")->closed);
  EXPECT_FALSE(loaded.contract->find_message("M.N")->find("i")->presence);  // the outer message's
}

TEST(Editions, hand_features_to_members_of_oneofs_and_to_extensions_of_a_scope) {
  using google::protobuf::FieldDescriptorProto;
  auto file = edition_file(1000);
  const auto make_text = [](FieldDescriptorProto& field, const char* name, int number) {
    field.set_name(name);
    field.set_number(number);
    field.set_type(FieldDescriptorProto::TYPE_STRING);
    field.set_label(FieldDescriptorProto::LABEL_OPTIONAL);
  };
  auto* m = file.mutable_message_type(0);
  auto* in_oneof = m->add_field();
  make_text(*in_oneof, "y", 8);
  in_oneof->set_oneof_index(0);
  set_features(*m->mutable_oneof_decl(0)->mutable_options(), 1, {{kUtf8, 3}});
  auto* range = m->add_extension_range();
  range->set_start(100);
  range->set_end(200);
  auto* n = m->mutable_nested_type(m->nested_type_size() - 1);
  set_features(*n->mutable_options(), 12, {{kUtf8, 3}});
  make_text(*n->add_extension(), "inside", 100);
  n->mutable_extension(0)->set_extendee(".M");
  make_text(*file.add_extension(), "outside", 101);
  file.mutable_extension(0)->set_extendee(".M");
  const Loaded loaded = load_file(file);
  ASSERT_TRUE(loaded.contract.has_value());
  const auto& linked = *loaded.contract->find_message("M");
  EXPECT_FALSE(linked.find("y")->validate_utf8);
  EXPECT_TRUE(linked.find("s")->validate_utf8);
  EXPECT_FALSE(linked.find(100)->validate_utf8);
  EXPECT_TRUE(linked.find(101)->validate_utf8);
  EXPECT_TRUE(linked.find(100)->presence);
}

TEST(Editions, ignore_features_that_are_not_known) {
  auto file = edition_file(1001);
  set_features(*file.mutable_options(), 50, {{kPresence, 77}, {static_cast<Feature>(900), 1}});
  const Loaded loaded = load_file(file);
  ASSERT_TRUE(loaded.contract.has_value());
  EXPECT_TRUE(loaded.contract->find_message("M")->find("i")->presence);
}

TEST(Editions, need_an_edition) {
  auto file = edition_file(1000);
  file.mutable_unknown_fields()->Clear();
  const Loaded loaded = load_file(file);
  EXPECT_FALSE(loaded.contract.has_value());
}

}  // namespace
}  // namespace parley::contract
