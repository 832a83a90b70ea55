#include "wire/wire_to_json.h"

#include <gtest/gtest.h>

#include "wire/codec_fake.h"
#include "wire/table_fake.h"
#include "wire/wire_reader.h"
#include "wire/wire_writer.h"

namespace parley::wire {
namespace {

const CodecFake& codec() {
  static const CodecFake fake;
  return fake;
}

std::string to_json(std::string_view message, std::string_view json,
                    const JsonWriteOptions& options) {
  return codec().to_json(message, codec().to_wire(message, json), options);
}

std::string field_json(std::string_view message, std::string_view name, std::string_view wire,
                       const JsonWriteOptions& options = {}) {
  ByteBuffer out;
  const auto done = wire_to_json_field(codec().program(message), codec().field(message, name),
                                       Bytes::copy(wire).view(), options, out);
  return done ? std::string(out.view()) : "! " + done.error().message();
}

TEST(WireToJson, options_choose_names_enums_and_numbers) {
  const std::string_view json =
      R"({"fInt64":"5","fUint64":"6","fSint64":"-8","fFixed64":"7","fLevel":"LOW"})";
  EXPECT_EQ(to_json("t.Scalars", json,
                    {.presence_set_only = true,
                     .int64_numbers = true,
                     .enum_numbers = true,
                     .proto_names = true}),
            R"({"f_int64":5,"f_uint64":6,"f_sint64":-8,"f_fixed64":7,"f_level":1})");
}

TEST(WireToJson, map_keys_are_strings_whatever_the_options) {
  EXPECT_EQ(to_json("t.Maps", R"({"fInt64":{"5":"a"}})",
                    {.presence_set_only = true, .int64_numbers = true}),
            R"({"fInt64":{"5":"a"}})");
}

TEST(WireToJson, pretty_output_is_indented_and_means_the_same) {
  const std::string_view json =
      R"({"child":{"id":1,"children":[{},{"id":2}],"byName":{"x":{"id":3}}}})";
  const std::string pretty = to_json("t.Tree", json, {.presence_set_only = true, .pretty = true});
  EXPECT_EQ(pretty, R"({
  "child": {
    "id": 1,
    "children": [
      {},
      {
        "id": 2
      }
    ],
    "byName": {
      "x": {
        "id": 3
      }
    }
  }
})");
  EXPECT_EQ(codec().again("t.Tree", pretty), json);
}

TEST(WireToJson, pretty_any_and_values_are_indented_too) {
  EXPECT_EQ(to_json("t.Known",
                    R"({"value":[1],"any":{"@type":"x/google.protobuf.Duration","value":"1s"}})",
                    {.presence_set_only = true, .pretty = true}),
            R"({
  "value": [
    1
  ],
  "any": {
    "@type": "x/google.protobuf.Duration",
    "value": "1s"
  }
})");
}

// Each option alone, at a field of its own kind, in an object, a list, a map and a bare value.
TEST(WireToJson, every_option_changes_what_it_names_and_nothing_else) {
  const std::string scalars =
      codec().to_wire("t.Scalars", R"({"fInt64":"5","fUint64":6,"fBool":true,"fLevel":"HIGH"})");
  const auto with = [&](const JsonWriteOptions& options) {
    return codec().to_json("t.Scalars", scalars, options);
  };
  EXPECT_EQ(with({.presence_set_only = true}),
            R"({"fInt64":"5","fUint64":"6","fBool":true,"fLevel":"HIGH"})");
  EXPECT_EQ(with({.presence_set_only = true, .int64_numbers = true}),
            R"({"fInt64":5,"fUint64":6,"fBool":true,"fLevel":"HIGH"})");
  EXPECT_EQ(with({.presence_set_only = true, .enum_numbers = true}),
            R"({"fInt64":"5","fUint64":"6","fBool":true,"fLevel":2})");
  EXPECT_EQ(with({.presence_set_only = true, .proto_names = true}),
            R"({"f_int64":"5","f_uint64":"6","f_bool":true,"f_level":"HIGH"})");
  const std::string lists =
      codec().to_wire("t.Lists", R"({"fInt64":["5"],"fUint64":[6,7],"fLevel":["HIGH",9]})");
  EXPECT_EQ(codec().to_json("t.Lists", lists,
                            {.presence_set_only = true,
                             .int64_numbers = true,
                             .enum_numbers = true,
                             .proto_names = true}),
            R"({"f_int64":[5],"f_uint64":[6,7],"f_level":[2,9]})");
  const std::string maps =
      codec().to_wire("t.Maps", R"({"fInt64":{"5":"a"},"level":{"k":"HIGH"}})");
  EXPECT_EQ(codec().to_json("t.Maps", maps,
                            {.presence_set_only = true,
                             .int64_numbers = true,
                             .enum_numbers = true,
                             .proto_names = true}),
            R"({"f_int64":{"5":"a"},"level":{"k":2}})");
  const std::string known = codec().to_wire("t.Known", R"({"wInt64":"5","timestamps":[]})");
  EXPECT_EQ(
      codec().to_json("t.Known", known,
                      {.presence_set_only = true, .int64_numbers = true, .proto_names = true}),
      R"({"w_int64":5})");
}

TEST(WireToJson, any_of_an_unknown_type_is_base64_where_asked) {
  const std::string wire = from_hex(R"(3a 0e 0a 08 "x/t.None" 12 02 08 01)");
  EXPECT_EQ(
      codec().to_json("t.Known", wire, {.presence_set_only = true, .unknown_any_as_base64 = true}),
      R"({"any":{"@type":"x/t.None","value":"CAE="}})");
}

TEST(WireToJson, one_field_of_any_kind_is_written_alone) {
  const std::string tree =
      codec().to_wire("t.Tree", R"({"id":7,"children":[{"id":1}],"byName":{"k":{"id":2}}})");
  EXPECT_EQ(field_json("t.Tree", "id", tree), "7");
  EXPECT_EQ(field_json("t.Tree", "children", tree, {.presence_set_only = true}), R"([{"id":1}])");
  EXPECT_EQ(field_json("t.Tree", "by_name", tree, {.presence_set_only = true}),
            R"({"k":{"id":2}})");
  EXPECT_EQ(field_json("t.Known", "timestamp", from_hex("90 01 00 0a 02 08 01")),
            R"("1970-01-01T00:00:01Z")");
  EXPECT_EQ(field_json("t.Lists", "f_int32", from_hex("18 01 20 05 18 02")), "[1,2]");
}

TEST(WireToJson, one_field_alone_still_gives_way_to_its_oneof) {
  EXPECT_EQ(field_json("t.Choice", "text", from_hex(R"(12 01 "x" 08 05)")), R"("")");
  EXPECT_EQ(field_json("t.Choice", "text", from_hex(R"(08 05 12 01 "x")")), R"("x")");
}

TEST(WireToJson, an_absent_field_alone_is_its_default) {
  EXPECT_EQ(field_json("t.Tree", "id", ""), "0");
  EXPECT_EQ(field_json("t.Tree", "name", ""), R"("")");
  EXPECT_EQ(field_json("t.Tree", "children", ""), "[]");
  EXPECT_EQ(field_json("t.Tree", "by_name", ""), "{}");
  EXPECT_EQ(field_json("t.Optionals", "leaf", ""), R"({"id":0,"name":""})");
  EXPECT_EQ(field_json("t.Optionals", "f_level", ""), R"("UNKNOWN")");
  EXPECT_EQ(field_json("t.Known", "timestamp", ""), "null");
  EXPECT_EQ(field_json("t.Known", "struct", ""), "null");
}

TEST(WireToJson, proto2_defaults_are_those_of_the_contract) {
  const CodecFake old(kProto2);
  const auto alone = [&](std::string_view name) {
    ByteBuffer out;
    EXPECT_TRUE(wire_to_json_field(old.program("t2.Old"), old.field("t2.Old", name), "", {}, out));
    return std::string(out.view());
  };
  EXPECT_EQ(alone("name"), R"("none")");
  EXPECT_EQ(alone("closed"), R"("TWO")");
  EXPECT_EQ(alone("big"), R"("-Infinity")");
}

// Where it ends between two fields the rest is a message, too.
TEST(WireToJson, a_message_that_is_cut_is_refused_in_every_form) {
  const std::string wire = codec().to_wire(
      "t.Lists", R"({"fDouble":[1.5,2],"fInt32":[1,300],"fString":["ab","c"],"fBytes":["AQID"],)"
                 R"("fLevel":["LOW"],"fLeaf":[{"id":300},{"name":"x"}],"unpacked":[1,300]})");
  const JsonWriteOptions forms[] = {
      {}, {.presence_set_only = true}, {.proto_names = true}, {.pretty = true}};
  for (size_t size = 1; size < wire.size(); ++size) {
    WireReader reader(std::string_view(wire).substr(0, size));
    while (reader.next()) reader.skip();
    for (const JsonWriteOptions& form : forms)
      EXPECT_EQ(codec().to_json("t.Lists", wire.substr(0, size), form).starts_with("! "),
                reader.failed())
          << size;
  }
}

TEST(WireToJson, nesting_has_a_limit) {
  std::string wire;
  for (int i = 0; i < 99; ++i) {
    ByteBuffer outer;
    append_bytes_field(outer, 3, wire);
    wire = outer.view();
  }
  EXPECT_TRUE(codec().to_json("t.Tree", wire).starts_with("{"));
  ByteBuffer outer;
  append_bytes_field(outer, 3, wire);
  EXPECT_TRUE(codec().to_json("t.Tree", outer.view()).ends_with("nested too deeply"));
  EXPECT_TRUE(codec().to_json("t.Tree", wire, {.depth_max = 50}).ends_with("nested too deeply"));
}

TEST(WireToJson, any_inside_of_any_has_a_limit) {
  std::string any;
  for (int i = 0; i < 200; ++i) {
    ByteBuffer outer;
    append_bytes_field(outer, 1, "x/google.protobuf.Any");
    append_bytes_field(outer, 2, any);
    any = outer.view();
  }
  EXPECT_TRUE(codec().to_json("google.protobuf.Any", any).ends_with("nested too deeply"));
}

TEST(WireToJson, groups_inside_of_groups_have_a_limit) {
  const std::string open(1000, '\x1b');
  EXPECT_TRUE(codec().to_json("t.Leaf", open).starts_with("! "));
}

TEST(WireToJson, deep_disorder_costs_two_passes_and_no_more) {
  // At each of 60 levels the child is followed by a field that has been written: if each level
  // began again on its own, this would take 2^60 steps.
  std::string wire = from_hex("08 01 08 02");
  for (int i = 0; i < 60; ++i) {
    ByteBuffer outer;
    append_varint_field(outer, 1, 1);
    append_bytes_field(outer, 3, wire);
    append_varint_field(outer, 1, 2);
    wire = outer.view();
  }
  EXPECT_TRUE(codec().to_json("t.Tree", wire).starts_with(R"({"id":2,)"));
}

TEST(WireToJson, failure_leaves_the_output_as_it_was) {
  ByteBuffer out;
  out.append("before");
  EXPECT_FALSE(wire_to_json(codec().program("t.Leaf"), Bytes::copy(from_hex("08 01 12 05")).view(),
                            {}, out));
  EXPECT_EQ(out.view(), "before");
  const auto failed =
      wire_to_json(codec().program("t.Leaf"), Bytes::copy(from_hex("12 05")).view(), {}, out);
  EXPECT_EQ(failed.error().reason(), Reason::UpstreamMalformed);
}

TEST(WireToJson, map_of_many_entries_keeps_the_last_of_each_key) {
  ByteBuffer wire;
  const auto entry = [&](int key, std::string_view value) {
    ByteBuffer content;
    append_varint_field(content, 1, static_cast<uint64_t>(key));
    append_bytes_field(content, 2, value);
    append_bytes_field(wire, 3, content.view());
  };
  for (int key = 0; key < 1000; ++key) entry(key, "first");
  for (int key = 0; key < 1000; key += 2) entry(key, "second");
  const std::string json = codec().to_json("t.Maps", wire.view(), {.presence_set_only = true});
  EXPECT_NE(json.find(R"("0":"second")"), std::string::npos);
  EXPECT_NE(json.find(R"("1":"first")"), std::string::npos);
  EXPECT_EQ(json.find(R"("0":"first")"), std::string::npos);
  EXPECT_NE(json.find(R"("999":"first")"), std::string::npos);
}

// What a quick loop writes behind a value that slower code wrote: at some length the buffer is just
// full then.
TEST(WireToJson, output_grows_behind_values_of_every_length) {
  for (size_t size = 0; size < 1200; ++size) {
    ByteBuffer wire;
    append_bytes_field(wire, 1, std::string("\0\0\0\0\0\0\xf8\x7f", 8));  // NaN
    append_bytes_field(wire, 14, std::string(size, 'a'));
    append_bytes_field(wire, 14, std::string(40, 'b'));
    std::string expected = R"({"fDouble":["NaN"],"fString":[")" + std::string(size, 'a') + "\",\"" +
                           std::string(40, 'b') + "\"],\"fLeaf\":[";
    for (int i = 0; i < 50; ++i) {
      append_bytes_field(wire, 17, from_hex("08 05 12 01") + "c");
      expected += std::string(i > 0 ? "," : "") + R"({"id":5,"name":"c"})";
    }
    ASSERT_EQ(codec().to_json("t.Lists", wire.view(), {.presence_set_only = true}),
              expected + "]}");
  }
}

}  // namespace
}  // namespace parley::wire
