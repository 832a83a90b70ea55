#include <gtest/gtest.h>

#include "wire/codec_fake.h"
#include "wire/table_fake.h"
#include "wire/text_to_wire.h"
#include "wire/update_mask.h"

namespace parley::wire {
namespace {

const CodecFake& codec() {
  static const CodecFake fake;
  return fake;
}

// A value that a path would bind: "child.id" of t.Tree to "5".
class Bound {
 public:
  Bound(std::string_view message, std::string_view path, std::string_view text) {
    const contract::Message* type = &codec().message(message);
    for (size_t from = 0; from <= path.size();) {
      const size_t dot = std::min(path.find('.', from), path.size());
      path_.push_back(type->find_any(path.substr(from, dot - from)));
      type = path_.back()->message;
      from = dot + 1;
    }
    EXPECT_TRUE(text_to_wire(codec().programs(), *path_.back(), text, {}, leaf_));
  }
  BoundValue value() const { return {path_, leaf_.view()}; }

 private:
  std::vector<const contract::Field*> path_;
  ByteBuffer leaf_;
};

// What remains of the body, as JSON; "! " and the failure.
std::string body(std::string_view message, std::string_view json, const Bound& bound) {
  const BoundValue value = bound.value();
  const std::string wire = codec().to_wire(message, json, {.bound = {&value, 1}});
  return wire.starts_with("! ") ? wire
                                : codec().to_json(message, wire, {.presence_set_only = true});
}

TEST(BoundValue, equal_ones_are_taken_and_not_written) {
  const Bound id("t.Tree", "id", "5");
  EXPECT_EQ(body("t.Tree", R"({"id":5,"name":"x"})", id), R"({"name":"x"})");
  EXPECT_EQ(body("t.Tree", R"({"id":"5"})", id), "{}");
  EXPECT_EQ(body("t.Tree", R"({"id":5.0})", id), "{}");
  EXPECT_EQ(body("t.Scalars", R"({"f_level":"LOW"})", Bound("t.Scalars", "f_level", "1")), "{}");
  EXPECT_EQ(body("t.Scalars", R"({"fLevel":1})", Bound("t.Scalars", "f_level", "LOW")), "{}");
}

TEST(BoundValue, absent_ones_are_taken) {
  const Bound id("t.Tree", "id", "5");
  EXPECT_EQ(body("t.Tree", "{}", id), "{}");
  EXPECT_EQ(body("t.Tree", R"({"id":null})", id), "{}");
  EXPECT_EQ(body("t.Tree", R"({"id":0})", id), "{}");
  EXPECT_EQ(body("t.Tree", R"({"id":"0"})", id), "{}");
}

TEST(BoundValue, a_default_with_presence_is_a_value) {
  EXPECT_EQ(body("t.Optionals", R"({"fInt32":0})", Bound("t.Optionals", "f_int32", "5")),
            "! the JSON body at line 1, column 11 (byte 10), f_int32: differs from the value in "
            "the path");
}

TEST(BoundValue, others_are_refused_by_name) {
  EXPECT_EQ(body("t.Tree", R"({"id":6})", Bound("t.Tree", "id", "5")),
            "! the JSON body at line 1, column 7 (byte 6), id: differs from the value in the path");
  EXPECT_EQ(body("t.Tree", R"({"child":{"name":"y"}})", Bound("t.Tree", "child.name", "x")),
            "! the JSON body at line 1, column 18 (byte 17), child.name: differs from the value in "
            "the path");
  EXPECT_EQ(body("t.Tree", R"({"id":"x"})", Bound("t.Tree", "id", "5")),
            "! the JSON body at line 1, column 7 (byte 6), id: expected a whole number from "
            "-2147483648 to "
            "2147483647");
}

TEST(BoundValue, nested_ones_are_found_at_their_place_only) {
  const Bound name("t.Tree", "child.child.name", "x");
  EXPECT_EQ(
      body("t.Tree", R"({"name":"a","child":{"name":"b","child":{"name":"x","id":1}}})", name),
      R"({"name":"a","child":{"name":"b","child":{"id":1}}})");
  EXPECT_EQ(body("t.Tree", R"({"children":[{"child":{"name":"z"}}],"child":null})", name),
            R"({"children":[{"child":{"name":"z"}}]})");
}

TEST(BoundValue, takes_its_oneof) {
  const Bound text("t.Choice", "text", "x");
  EXPECT_EQ(body("t.Choice", R"({"text":"x"})", text), "{}");
  EXPECT_EQ(body("t.Choice", R"({"number":1})", text),
            "! the JSON body at line 1, column 2 (byte 1), number: a second member of the oneof "
            "\"kind\": expected one");
  const Bound inner("t.Choice", "leaf.id", "5");
  EXPECT_EQ(body("t.Choice", R"({"leaf":{"name":"y"}})", inner), R"({"leaf":{"name":"y"}})");
  EXPECT_EQ(body("t.Choice", R"({"flag":true})", inner),
            "! the JSON body at line 1, column 2 (byte 1), flag: a second member of the oneof "
            "\"kind\": expected one");
}

TEST(BoundValue, well_known_types_are_compared_too) {
  EXPECT_EQ(body("t.Known", R"({"timestamp":"1970-01-01T01:00:00+01:00"})",
                 Bound("t.Known", "timestamp", "1970-01-01T00:00:00Z")),
            "{}");
  EXPECT_EQ(body("t.Known", R"({"struct":{"a":[1]}})", Bound("t.Known", "struct", R"({"a": [1]})")),
            "{}");
  EXPECT_EQ(body("t.Known", R"({"wInt32":0})", Bound("t.Known", "w_int32", "0")), "{}");
  EXPECT_TRUE(
      body("t.Known", R"({"wInt32":0})", Bound("t.Known", "w_int32", "1")).starts_with("! "));
}

TEST(BoundValue, appended_it_merges_with_the_body) {
  const Bound name("t.Tree", "child.name", "x");
  ByteBuffer out;
  out.append(codec().to_wire("t.Tree", R"({"id":1,"child":{"id":2}})"));
  append_bound_value(name.value(), out);
  EXPECT_EQ(codec().to_json("t.Tree", out.view(), {.presence_set_only = true}),
            R"({"id":1,"child":{"id":2,"name":"x"}})");
}

TEST(BoundValue, may_stand_for_a_required_field) {
  const CodecFake old(kProto2);
  const contract::Field* const path[] = {&old.field("t2.Old", "id")};
  const std::string leaf = from_hex("08 05");
  const BoundValue value{path, leaf};
  EXPECT_EQ(old.to_wire("t2.Old", "{}", {.bound = {&value, 1}}), "");
}

std::string field_wire(std::string_view message, std::string_view name, std::string_view json) {
  const Bytes padded = Bytes::copy(json);
  ByteBuffer out;
  const auto done = json_to_wire_field(codec().program(message), codec().field(message, name),
                                       padded.view(), {}, out);
  return done ? codec().to_json(message, out.view(), {.presence_set_only = true})
              : "! " + done.error().message();
}

TEST(JsonField, of_any_kind_is_read_with_its_tag) {
  EXPECT_EQ(field_wire("t.Tree", "id", " 5 "), R"({"id":5})");
  EXPECT_EQ(field_wire("t.Tree", "child", R"({"id":5})"), R"({"child":{"id":5}})");
  EXPECT_EQ(field_wire("t.Tree", "children", R"([{"id":5},{}])"), R"({"children":[{"id":5},{}]})");
  EXPECT_EQ(field_wire("t.Tree", "by_name", R"({"k":{}})"), R"({"byName":{"k":{}}})");
  EXPECT_EQ(field_wire("t.Known", "value", "null"), R"({"value":null})");
  EXPECT_EQ(field_wire("t.Tree", "child", "null"), "{}");
  EXPECT_EQ(field_wire("t.Lists", "f_int32", "[]"), "{}");
}

TEST(JsonField, errors_name_the_field) {
  EXPECT_EQ(field_wire("t.Tree", "id", "x"),
            "! the JSON body at line 1, column 1 (byte 0), id: expected a whole number from "
            "-2147483648 to "
            "2147483647");
  EXPECT_EQ(
      field_wire("t.Tree", "children", R"([{"id":[]}])"),
      "! the JSON body at line 1, column 8 (byte 7), children[0].id: expected a whole number from "
      "-2147483648 to 2147483647");
  EXPECT_EQ(field_wire("t.Tree", "id", "1 2"),
            "! the JSON body at line 1, column 3 (byte 2), id: expected the end of the text");
}

std::string mask(std::string_view message, std::string_view json,
                 std::span<const BoundValue> bound = {}) {
  const Bytes padded = Bytes::copy(json);
  const auto paths = update_mask_of(codec().program(message), padded.view(), {.bound = bound});
  if (!paths) return "! " + paths.error().message();
  std::string joined;
  for (const std::string& path : *paths) joined += (joined.empty() ? "" : ",") + path;
  return joined;
}

TEST(UpdateMask, has_the_keys_of_the_body_in_declared_names) {
  EXPECT_EQ(mask("t.Names", R"({"snakeCaseName":1,"custom":2})"), "snake_case_name,custom");
  EXPECT_EQ(mask("t.Tree", "{}"), "");
  EXPECT_EQ(mask("t.Tree", R"( { "id" : 0 , "name" : null } )"), "id,name");
}

TEST(UpdateMask, has_the_leaves_of_nested_messages) {
  EXPECT_EQ(mask("t.Tree", R"({"child":{"id":1,"child":{"name":"x","child":{}}},"name":"y"})"),
            "child.id,child.child.name,child.child.child,name");
}

TEST(UpdateMask, takes_lists_maps_and_well_known_types_whole) {
  EXPECT_EQ(mask("t.Tree", R"({"children":[{"id":1}],"byName":{"a":{"id":1}}})"),
            "children,by_name");
  EXPECT_EQ(mask("t.Known", R"({"struct":{"a":1},"timestamp":"x","any":{"@type":"x"},"value":{}})"),
            "struct,timestamp,any,value");
}

TEST(UpdateMask, leaves_out_what_the_path_binds) {
  const Bound name("t.Tree", "child.name", "x");
  const BoundValue value = name.value();
  EXPECT_EQ(mask("t.Tree", R"({"name":"a","child":{"name":"x","id":3}})", {&value, 1}),
            "name,child.id");
}

TEST(UpdateMask, is_written_as_a_field) {
  ByteBuffer out;
  const std::string paths[] = {"a.b", "c"};
  append_field_mask(codec().field("t.Known", "mask"), paths, out);
  EXPECT_EQ(codec().to_json("t.Known", out.view(), {.presence_set_only = true}),
            R"({"mask":"a.b,c"})");
}

}  // namespace
}  // namespace parley::wire
