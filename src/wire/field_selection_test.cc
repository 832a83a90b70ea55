#include "wire/field_selection.h"

#include <gtest/gtest.h>

#include "wire/codec_fake.h"
#include "wire/table_fake.h"

namespace parley::wire {
namespace {

// The selected part of a message that is given as JSON; or what is wrong with the selection.
std::string select_wire(std::string_view message, std::string_view selected, std::string_view wire,
                        JsonWriteOptions options = {.presence_set_only = true}) {
  FieldSelection selection;
  const std::string problem = selection.parse(codec_of(message).program(message), selected, 5);
  if (!problem.empty()) return "! " + problem;
  options.selection = selection.root();
  return codec_of(message).to_json(message, wire, options);
}

std::string select(std::string_view message, std::string_view selected, std::string_view json) {
  return select_wire(message, selected, codec_of(message).to_wire(message, json));
}

constexpr std::string_view kTree =
    R"({"id":1,"name":"a","child":{"id":2,"name":"b"},"children":[{"id":3,"name":"c"},{"id":4}],)"
    R"("byName":{"x":{"id":5,"name":"d"}}})";

TEST(FieldSelection, nothing_said_selects_everything) {
  EXPECT_EQ(select("t.Tree", "", kTree), codec_of("").again("t.Tree", kTree));
}

TEST(FieldSelection, selects_fields_in_either_spelling_and_any_order) {
  EXPECT_EQ(select("t.Tree", "child,id", kTree), R"({"id":1,"child":{"id":2,"name":"b"}})");
  EXPECT_EQ(select("t.Tree", "byName", kTree), R"({"byName":{"x":{"id":5,"name":"d"}}})");
  EXPECT_EQ(select("t.Tree", "by_name", kTree), R"({"byName":{"x":{"id":5,"name":"d"}}})");
}

TEST(FieldSelection, goes_into_messages_lists_and_the_values_of_maps) {
  EXPECT_EQ(select("t.Tree", "child.id", kTree), R"({"child":{"id":2}})");
  EXPECT_EQ(select("t.Tree", "children.name", kTree), R"({"children":[{"name":"c"},{}]})");
  EXPECT_EQ(select("t.Tree", "children.*.name", kTree), R"({"children":[{"name":"c"},{}]})");
  EXPECT_EQ(select("t.Tree", "byName.name", kTree), R"({"byName":{"x":{"name":"d"}}})");
  EXPECT_EQ(select("t.Tree", "byName/*/name", kTree), R"({"byName":{"x":{"name":"d"}}})");
}

TEST(FieldSelection, parentheses_select_several_fields_of_a_message) {
  EXPECT_EQ(select("t.Tree", "child(id),children(id,name),id", kTree),
            R"({"id":1,"child":{"id":2},"children":[{"id":3,"name":"c"},{"id":4}]})");
  EXPECT_EQ(select("t.Tree", "child(child(id),name)", R"({"child":{"name":"b","child":{"id":9}}})"),
            R"({"child":{"name":"b","child":{"id":9}}})");
}

TEST(FieldSelection, a_star_selects_all_fields) {
  EXPECT_EQ(select("t.Tree", "*", kTree), codec_of("").again("t.Tree", kTree));
  EXPECT_EQ(select("t.Tree", "child.*", kTree), R"({"child":{"id":2,"name":"b"}})");
  EXPECT_EQ(select("t.Lists", "fInt32.*", R"({"fInt32":[1,2],"fBool":[true]})"),
            R"({"fInt32":[1,2]})");
}

TEST(FieldSelection, paths_add_up_and_a_whole_field_stays_whole) {
  for (const std::string_view selected : {"child.id,child.name", "child,child.id", "child.id,child",
                                          "child.*,child.id", "child.id,child.*"})
    EXPECT_EQ(select("t.Tree", selected, kTree), R"({"child":{"id":2,"name":"b"}})") << selected;
}

TEST(FieldSelection, defaults_are_written_of_selected_fields_only) {
  EXPECT_EQ(select_wire("t.Tree", "id,child.name,children",
                        codec_of("").to_wire("t.Tree", R"({"name":"a","child":{"id":2}})"), {}),
            R"({"id":0,"child":{"name":""},"children":[]})");
}

TEST(FieldSelection, all_forms_of_output_keep_to_it) {
  const std::string wire = codec_of("").to_wire("t.Tree", kTree);
  EXPECT_EQ(select_wire("t.Tree", "byName.id", wire,
                        {.presence_set_only = true, .proto_names = true, .pretty = true}),
            "{\n  \"by_name\": {\n    \"x\": {\n      \"id\": 5\n    }\n  }\n}");
}

TEST(FieldSelection, a_field_that_comes_back_is_merged_before_it_is_cut) {
  // child {id: 2}, name, child {name: "z"}
  EXPECT_EQ(select_wire("t.Tree", "child", from_hex("1a 02 08 02 12 01 61 1a 03 12 01 7a")),
            R"({"child":{"id":2,"name":"z"}})");
}

TEST(FieldSelection, the_last_member_of_a_oneof_wins_selected_or_not) {
  // left {id: 1}, then right {id: 2}; and the other way round.
  EXPECT_EQ(select_wire("t.Choice", "left", from_hex("3a 02 08 01 42 02 08 02")), "{}");
  EXPECT_EQ(select_wire("t.Choice", "left", from_hex("42 02 08 02 3a 02 08 01")),
            R"({"left":{"id":1}})");
}

TEST(FieldSelection, what_is_left_out_is_not_decoded) {
  // name = "\xff", which is no UTF-8, and id = 7 behind it in number: the order is by number.
  EXPECT_EQ(select_wire("t.Tree", "id", from_hex("08 07 12 01 ff")), R"({"id":7})");
  EXPECT_EQ(select_wire("t.Tree", "child.id", from_hex("1a 05 08 07 12 01 ff")),
            R"({"child":{"id":7}})");
}

TEST(FieldSelection, a_truncated_field_is_malformed_though_it_is_left_out) {
  EXPECT_TRUE(select_wire("t.Tree", "id", from_hex("08 07 12 05 61")).starts_with("! "));
}

TEST(FieldSelection, well_known_types_come_whole) {
  EXPECT_EQ(select("t.Known", "struct", R"({"struct":{"a":[1]},"duration":"1s"})"),
            R"({"struct":{"a":[1]}})");
  EXPECT_EQ(select("t.Known", "any", R"({"any":{"@type":"x/t.Leaf","id":1,"name":"n"}})"),
            R"({"any":{"@type":"x/t.Leaf","id":1,"name":"n"}})");
}

TEST(FieldSelection, one_field_of_a_message_is_cut_by_the_fields_of_its_own_messages) {
  FieldSelection selection;
  ASSERT_EQ(selection.parse(codec_of("").program("t.Tree"), "name", 5), "");
  const auto json_of = [&](std::string_view field) {
    ByteBuffer out;
    const Bytes wire = Bytes::copy(codec_of("").to_wire("t.Tree", kTree));
    const auto done = wire_to_json_field(
        codec_of("").program("t.Tree"), codec_of("").field("t.Tree", field), wire.view(),
        {.presence_set_only = true, .selection = selection.root()}, out);
    return done ? std::string(out.view()) : done.error().message();
  };
  EXPECT_EQ(json_of("child"), R"({"name":"b"})");
  EXPECT_EQ(json_of("children"), R"([{"name":"c"},{}])");
  EXPECT_EQ(json_of("by_name"), R"({"x":{"name":"d"}})");
}

TEST(FieldSelection, says_what_is_wrong_with_a_text) {
  const auto problem = [](std::string_view text) { return select("t.Tree", text, "{}"); };
  EXPECT_EQ(problem("nick"), R"(! t.Tree has no field "nick")");
  EXPECT_EQ(problem("child.nick"), R"(! t.Tree has no field "nick")");
  EXPECT_EQ(problem("name.first"), "! t.Tree.name has no fields that could be selected");
  EXPECT_EQ(problem("name(first)"), "! t.Tree.name has no fields that could be selected");
  EXPECT_EQ(problem("id,"), "! the name of a field is missing");
  EXPECT_EQ(problem(",id"), "! the name of a field is missing");
  EXPECT_EQ(problem("child."), "! the name of a field is missing");
  EXPECT_EQ(problem("child()"), "! the name of a field is missing");
  EXPECT_EQ(problem("child(id"), "! a closing parenthesis is missing");
  EXPECT_EQ(problem("child(id))"), "! \")\" comes unexpected");
  EXPECT_EQ(problem("child(id)name"), R"(! "n" comes unexpected)");
  EXPECT_EQ(problem("*.id"),
            R"(! "*" has to be the end of a path, or stand behind a list or a map)");
  EXPECT_EQ(problem("child.*.id"),
            R"(! "*" has to be the end of a path, or stand behind a list or a map)");
  EXPECT_EQ(problem("child.child.child.child.child.id"), "! it is nested deeper than 5 levels");
}

TEST(FieldSelection, knows_extensions) {
  const std::string_view json =
      R"({"id":1,"name":"n","[t2.note]":"a","[t2.olds]":[{"id":2,"name":"m"}]})";
  EXPECT_EQ(select("t2.Old", "[t2.note],[t2.olds].id", json),
            R"({"[t2.note]":"a","[t2.olds]":[{"id":2}]})");
  EXPECT_EQ(select("t2.Old", "[t2.none]", json), R"(! t2.Old has no field "[t2.none]")");
}

}  // namespace
}  // namespace parley::wire
