#include <gtest/gtest.h>

#include "wire/codec_fake.h"

namespace parley::wire {
namespace {

const CodecFake& codec() {
  static const CodecFake fake;
  return fake;
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(JsonLimits, nesting_of_messages_lists_and_values) {
  const auto tree = [](int depth) {
    return repeated(R"({"child":)", depth - 1) + "{}" + repeated("}", depth - 1);
  };
  EXPECT_FALSE(codec().to_wire("t.Tree", tree(100)).starts_with("! "));
  EXPECT_EQ(codec().to_wire("t.Tree", tree(101)).substr(0, 2), "! ");
  EXPECT_NE(codec().to_wire("t.Tree", tree(101)).find("nested deeper than 100"), std::string::npos);
  const auto list = [](int depth) { return repeated("[", depth) + repeated("]", depth); };
  EXPECT_FALSE(codec().to_wire("google.protobuf.ListValue", list(100)).starts_with("! "));
  EXPECT_TRUE(codec().to_wire("google.protobuf.ListValue", list(101)).starts_with("! "));
  EXPECT_TRUE(codec().to_wire("google.protobuf.Value", list(100'000)).starts_with("! "));
  EXPECT_TRUE(codec().to_wire("t.Tree", tree(6), {.depth_max = 5}).starts_with("! "));
}

TEST(JsonLimits, what_may_be_read_may_be_written) {
  const auto nested = [](std::string_view open, std::string_view inside, std::string_view close) {
    return repeated(open, 99) + std::string(inside) + repeated(close, 99);
  };
  // A list of so many levels, in a message's field.
  const auto list = [](int depth) { return repeated("[", depth) + repeated("]", depth); };
  const auto is_same = [](std::string_view message, const std::string& json) {
    EXPECT_EQ(codec().again(message, json, {.presence_set_only = true}), json);
  };
  is_same("google.protobuf.Value", nested("[", "[]", "]"));
  is_same("google.protobuf.Value", nested(R"({"a":)", "{}", "}"));
  is_same("google.protobuf.Struct", nested(R"({"a":)", R"({"b":1})", "}"));
  is_same("t.Tree", nested(R"({"child":)", R"({"id":1})", "}"));
  is_same("t.Known", R"({"value":)" + list(99) + "}");
  const std::string any = R"({"@type":"x/google.protobuf.Any","value":)";
  is_same("google.protobuf.Any", nested(any, R"({"@type":"x/t.Leaf"})", "}"));
}

TEST(JsonLimits, nesting_of_what_is_passed_over) {
  const std::string deep = R"({"unknown":)" + repeated("[", 100'000);
  EXPECT_TRUE(codec().to_wire("t.Leaf", deep, {.ignore_unknown = true}).starts_with("! "));
  const std::string fits = R"({"unknown":)" + repeated("[", 99) + repeated("]", 99) + "}";
  EXPECT_EQ(codec().to_wire("t.Leaf", fits, {.ignore_unknown = true}), "");
}

TEST(JsonLimits, types_that_come_late_inside_of_each_other) {
  // Each level is looked through once more for its "@type".
  std::string any = R"({"@type":"x/google.protobuf.Any","value":{}})";
  for (int i = 0; i < 40; ++i) any = R"({"value":)" + any + R"(,"@type":"x/google.protobuf.Any"})";
  EXPECT_FALSE(codec().to_wire("google.protobuf.Any", any).starts_with("! "));
  std::string wide = R"({"@type":"x/google.protobuf.Struct","value":{"a":")" +
                     std::string(100'000, 'x') + R"("}})";
  for (int i = 0; i < 40; ++i)
    wide = R"({"value":)" + wide + R"(,"@type":"x/google.protobuf.Any"})";
  EXPECT_NE(codec().to_wire("google.protobuf.Any", wide).find(R"(put "@type" first)"),
            std::string::npos);
}

TEST(JsonLimits, map_of_many_keys_is_checked_for_each) {
  std::string json = R"({"fInt32":{)";
  for (int i = 0; i < 5000; ++i) json += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":1";
  EXPECT_FALSE(codec().to_wire("t.Maps", json + "}}").starts_with("! "));
  EXPECT_TRUE(codec().to_wire("t.Maps", json + R"(,"4321":1}})").starts_with("! "));
}

TEST(JsonLimits, message_of_more_than_64_fields_and_high_numbers) {
  std::string text = "syntax = \"proto3\"; message Wide {";
  for (int i = 1; i <= 200; ++i)
    text += "int32 field_" + std::to_string(i) + " = " + std::to_string(20'000 + i * i * 13) + ";";
  text += "oneof o { int32 left = 536870911; int32 right = 536870910; } }";
  const CodecFake wide(text);
  std::string json = "{";
  for (int i = 1; i <= 200; ++i)
    json += "\"field" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  EXPECT_EQ(wide.again("Wide", json + R"("left":1})"), json + R"("left":1})");
  EXPECT_TRUE(wide.again("Wide", json + R"("left":1,"right":2})").starts_with("! "));
  EXPECT_TRUE(wide.again("Wide", json + R"("field150":1})").starts_with("! "));
}

TEST(JsonLimits, failure_leaves_the_output_as_it_was) {
  ByteBuffer out;
  out.append("before");
  const Bytes json = Bytes::copy(R"({"id":1,"name":2})");
  const auto failed = json_to_wire(codec().program("t.Leaf"), json.view(), {}, out);
  ASSERT_FALSE(failed);
  EXPECT_EQ(out.view(), "before");
  EXPECT_EQ(failed.error().reason(), Reason::BodyInvalid);
  ASSERT_EQ(failed.error().violations().size(), 1u);
  EXPECT_EQ(failed.error().violations()[0].field, "name");
  EXPECT_EQ(failed.error().violations()[0].description, "expected a string");
}

TEST(JsonLimits, lines_and_columns_count_characters) {
  EXPECT_EQ(codec().to_wire("t.Leaf", "{\n  \"id\": 1,\r\n  \"name\": \"é\" x"),
            "! the JSON body at line 3, column 15 (byte 29), name: expected ',' or '}'");
}

}  // namespace
}  // namespace parley::wire
