#include <gtest/gtest.h>

#include "wire/codec_fake.h"

namespace parley::wire {
namespace {

const CodecFake& codec() {
  static const CodecFake fake;
  return fake;
}

std::string again(std::string_view message, std::string_view json) {
  return codec().again(message, json);
}

TEST(JsonToWire, reads_every_scalar) {
  const std::string_view json =
      R"({"fDouble":1.5,"fFloat":0.1,"fInt32":-7,"fInt64":"-9223372036854775808",)"
      R"("fUint32":4294967295,"fUint64":"18446744073709551615","fSint32":-2147483648,)"
      R"("fSint64":"-1","fFixed32":1,"fFixed64":"2","fSfixed32":-3,"fSfixed64":"-4",)"
      R"("fBool":true,"fString":"hello","fBytes":"AQID","fLevel":"HIGH","fAlias":"A_ONE"})";
  EXPECT_EQ(again("t.Scalars", json), json);
}

TEST(JsonToWire, leaves_out_defaults_without_presence) {
  EXPECT_EQ(codec().to_wire("t.Scalars", R"({"fInt32":0,"fString":"","fBool":false,"fDouble":0})"),
            "");
  EXPECT_EQ(codec().to_wire("t.Optionals", R"({"fInt32":0})"), std::string("\x08\x00", 2));
}

TEST(JsonToWire, reads_lists_maps_and_trees) {
  const std::string_view lists = R"({"fDouble":[1,2.5,-0],"fInt32":[1,2,300],"fString":["a",""],)"
                                 R"("fLeaf":[{"id":1},{}],"unpacked":[1,2]})";
  EXPECT_EQ(again("t.Lists", lists), lists);
  const std::string_view maps =
      R"({"text":{"a":"b","":"c"},"fInt32":{"-1":5},"fBool":{"true":"x","false":"y"},)"
      R"("leaf":{"k":{"id":5}}})";
  EXPECT_EQ(again("t.Maps", maps), maps);
  const std::string_view tree = R"({"id":1,"child":{"child":{"child":{"name":"deep"}}},)"
                                R"("byName":{"x":{"children":[{},{"id":3}]}}})";
  EXPECT_EQ(again("t.Tree", tree), tree);
}

TEST(JsonToWire, inserts_long_lengths) {
  std::string json = R"({"name":")" + std::string(100, 'x') + R"("})";
  for (int i = 0; i < 40; ++i)
    json = R"({"name":")" + std::string(static_cast<size_t>(i), 'y') + R"(","child":)" + json + "}";
  std::string expected = again("t.Tree", json);
  std::string::size_type at = 0;
  while ((at = json.find(R"("name":"",)")) != std::string::npos) json.erase(at, 10);
  EXPECT_EQ(expected, json);
}

TEST(JsonToWire, reads_well_known_types) {
  const std::string_view json =
      R"({"timestamp":"2001-02-03T04:05:06.789Z","duration":"-1.500s","mask":"a,bC.dE",)"
      R"("struct":{"a":1,"b":[true,null,"x",{}],"c":{"d":{}}},"value":[1,[2]],"list":["a"],)"
      R"("any":{"@type":"type.googleapis.com/t.Leaf","id":7},"empty":{},"wDouble":1.5,)"
      R"("wFloat":2,"wInt64":"5","wUint64":"6","wInt32":7,"wUint32":8,"wBool":false,)"
      R"("wString":"","wBytes":"AA==",)"
      R"("timestamps":["0001-01-01T00:00:00Z","9999-12-31T23:59:59.999999999Z"],)"
      R"("values":[null,1,"a"],)"
      R"("anys":[{"@type":"x/google.protobuf.Duration","value":"3s"}],"wInt32s":[1,0],)"
      R"("structs":[{}],"durations":{"k":"0s"},"nulls":[null],"lists":[[],[[]]]})";
  EXPECT_EQ(again("t.Known", json), json);
}

TEST(JsonToWire, any_of_an_unknown_type_is_base64_where_asked) {
  const auto read = [](std::string_view json) {
    const std::string wire = codec().to_wire("t.Known", json, {.unknown_any_as_base64 = true});
    if (wire.starts_with("! ")) return wire.substr(wire.rfind(": ") + 2);
    return codec().to_json("t.Known", wire,
                           {.presence_set_only = true, .unknown_any_as_base64 = true});
  };
  for (const std::string_view json :
       {R"({"any":{"@type":"x/t.None","value":"CAE="}})",
        R"({"any":{"@type":"x/t.None","value":""}})", R"({"any":{"@type":"x/t.Leaf","id":1}})",
        R"({"anys":[{"@type":"x/t.None","value":"AA=="},{"@type":"x/t.Leaf","id":1}]})",
        R"({"any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/t.None","value":"AA=="}}})"})
    EXPECT_EQ(read(json), json);
  EXPECT_EQ(read(R"({"any":{"value":"CAE=","@type":"x/t.None"}})"),
            R"({"any":{"@type":"x/t.None","value":"CAE="}})");
  EXPECT_EQ(read(R"({"any":{"@type":"x/t.None","value":1}})"), "expected a string in base64");
  EXPECT_EQ(read(R"({"any":{"@type":"x/t.None","value":null}})"), "expected a string in base64");
  EXPECT_EQ(read(R"({"any":{"@type":"x/t.None","id":1}})"), "expected \"value\"");
  EXPECT_EQ(read(R"({"any":{"@type":"x/t.None"}})"), "expected \"value\"");
  EXPECT_EQ(read(R"({"any":{"@type":"t.None","value":"AA=="}})"),
            "an Any of the type \"t.None\", which the contract does not have");
}

}  // namespace
}  // namespace parley::wire
