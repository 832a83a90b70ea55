#include "wire/json_pieces.h"

#include <gtest/gtest.h>

#include "wire/codec_fake.h"
#include "wire/table_fake.h"

namespace parley::wire {
namespace {

struct Joined {
  std::string text;  // or "! " and the failure
  size_t pieces = 0;
  size_t longest = 0;
};

Joined join(JsonPieces& pieces, size_t bytes) {
  Joined joined;
  for (;;) {
    const auto piece = pieces.next(bytes);
    if (!piece) {
      joined.text = "! " + piece.error().message();
      return joined;
    }
    if (piece->empty()) return joined;
    joined.text += piece->view();
    joined.longest = std::max(joined.longest, piece->size());
    ++joined.pieces;
  }
}

Joined in_pieces(std::string_view message, std::string_view wire, size_t bytes,
                 const JsonWriteOptions& options = {}) {
  const Bytes padded = Bytes::copy(wire);
  JsonPieces pieces(codec_of(message).program(message), padded.view(), options);
  return join(pieces, bytes);
}

// Whatever the pieces' size, they make the same text as one.
void expect_same(std::string_view message, std::string_view wire,
                 const JsonWriteOptions& options = {}) {
  const std::string whole = codec_of(message).to_json(message, wire, options);
  for (const size_t bytes : {1u, 7u, 64u, 1000u, 1'000'000u})
    EXPECT_EQ(in_pieces(message, wire, bytes, options).text, whole) << message << " " << bytes;
}

std::string wire_of(std::string_view message, std::string_view json) {
  return codec_of(message).to_wire(message, json);
}

TEST(JsonPieces, make_the_same_text_as_one_whole) {
  expect_same("t.Tree", "");
  expect_same("t.Tree", wire_of("t.Tree", R"({"id":1,"name":"a","child":{"id":2,"child":{"id":3}},
      "children":[{},{"id":4},{"name":"b"}],"byName":{"x":{"id":5},"y":{}}})"));
  expect_same("t.Lists", wire_of("t.Lists", R"({"fDouble":[1.5,2,-3e300],"fInt32":[1,2,3],
      "fBool":[true,false],"fString":["a","b"],"fLeaf":[{"id":1},{"name":"x"}]})"));
  expect_same("t.Maps", wire_of("t.Maps", R"({"text":{"a":"b"},"fBool":{"true":"x"},
      "leaf":{"q":{"id":1},"r":{}},"value":{"v":[1,{"k":null}]}})"));
  expect_same("t.Known", wire_of("t.Known", R"({"struct":{"a":[1,"b",{"c":true}]},"wInt64":"5",
      "any":{"@type":"x/t.Leaf","id":1},"timestamp":"2024-01-11T13:20:00Z","values":[1,null]})"));
  expect_same("t2.Old", wire_of("t2.Old", R"({"id":1,"part":{"a":1},"parts":[{"b":"x"},{}]})"));
}

TEST(JsonPieces, keep_to_the_options) {
  const std::string wire = wire_of("t.Tree", R"({"children":[{"id":4},{"byName":{"z":{}}}]})");
  expect_same("t.Tree", wire, {.presence_set_only = true});
  expect_same("t.Tree", wire, {.proto_names = true, .pretty = true});
}

TEST(JsonPieces, a_packed_list_ends_a_piece_between_any_two_elements) {
  std::string json = R"({"fInt32":[0)";
  for (int i = 1; i < 20'000; ++i) json += "," + std::to_string(i);
  const std::string wire = wire_of("t.Lists", json + "],\"fBool\":[true]}");
  const Joined joined = in_pieces("t.Lists", wire, 1000);
  EXPECT_EQ(joined.text, codec_of("t.Lists").to_json("t.Lists", wire));
  EXPECT_GT(joined.pieces, 100u);
  EXPECT_LT(joined.longest, 1100u);
}

TEST(JsonPieces, a_packed_list_that_ends_a_piece_in_a_short_message_is_whole) {
  expect_same("t.Lists", wire_of("t.Lists", R"({"fLevel":["LOW",8,"LOW"],"fLeaf":[{"id":2}]})"),
              {.presence_set_only = true});
  expect_same("t.Lists", wire_of("t.Lists", R"({"fLevel":["LOW",8,"LOW"],"fLeaf":[{"id":2}]})"));
}

TEST(JsonPieces, a_packed_list_of_nothing_is_not_there) {
  for (const std::string_view wire : {"1a 00", "1a 80 00", "6a 01 01 1a 00", "1a 00 6a 01 01"}) {
    expect_same("t.Lists", from_hex(wire), {.presence_set_only = true});
    EXPECT_EQ(codec_of("").to_json("t.Lists", from_hex(wire), {.presence_set_only = true}),
              wire.size() > 8 ? R"({"fBool":[true]})" : "{}");
  }
}

TEST(JsonPieces, a_long_list_of_messages_leaves_in_short_pieces) {
  std::string wire;
  const std::string element =
      from_hex("22 07 08 05 12 03 61 62 63");  // children {id: 5, name: "abc"}
  for (int i = 0; i < 50'000; ++i) wire += element;
  const Joined joined = in_pieces("t.Tree", wire, 4096, {.presence_set_only = true});
  EXPECT_EQ(joined.text, codec_of("t.Tree").to_json("t.Tree", wire, {.presence_set_only = true}));
  EXPECT_GT(joined.pieces, 200u);
  EXPECT_LT(joined.longest, 4200u);
}

TEST(JsonPieces, fields_out_of_order_are_put_in_order) {
  // name, id, child twice, children around another field
  expect_same("t.Tree", from_hex("12 01 61 08 07 1a 02 08 01 22 02 08 02 1a 03 12 01 7a 22 00"));
}

TEST(JsonPieces, one_field_of_a_message) {
  const std::string wire = wire_of("t.Tree", R"({"id":1,"children":[{"id":2},{"id":3}]})");
  const Bytes padded = Bytes::copy(wire);
  JsonPieces pieces(codec_of("t.Tree").program("t.Tree"), padded.view(),
                    {.presence_set_only = true}, &codec_of("t.Tree").field("t.Tree", "children"));
  EXPECT_EQ(join(pieces, 3).text, R"([{"id":2},{"id":3}])");
}

TEST(JsonPieces, what_is_malformed_fails_when_it_is_reached) {
  // children {}, children {name: "\xff"}
  const Joined joined = in_pieces("t.Tree", from_hex("22 00 22 03 12 01 ff"), 1);
  EXPECT_TRUE(joined.text.starts_with("! the message at children.name")) << joined.text;
  EXPECT_GT(joined.pieces, 0u);
}

}  // namespace
}  // namespace parley::wire
