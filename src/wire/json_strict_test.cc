// What is JSON is taken and what is not is refused, wherever it stands and whichever loop reads it.
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "wire/codec_fake.h"
#include "wire/table_fake.h"

namespace parley::wire {
namespace {

// A place where any JSON may stand.
struct Place {
  std::string_view message;
  std::string_view before;
  std::string_view behind;
  bool ignore_unknown = false;
};
constexpr Place kPlaces[] = {
    {"google.protobuf.Value", " \t\r\n", " \t\r\n"},
    {"google.protobuf.ListValue", "[", "]"},
    {"google.protobuf.ListValue", "[1,\"a\",", ",2]"},
    {"google.protobuf.Struct", R"({"k":)", "}"},
    {"google.protobuf.Struct", R"({"k":{},"\u006b2":)", R"(,"k3":1})"},
    {"t.Known", R"({"value":)", "}"},
    {"t.Known", R"({"wInt32":1,"values":[null,)", "]}"},
    {"t.Maps", R"({"value":{"k":)", "}}"},
    {"google.protobuf.Any", R"({"@type":"x/google.protobuf.Value","value":)", "}"},
    {"google.protobuf.Any", R"({"value":)", R"(,"@type":"x/google.protobuf.Value"})"},
    {"t.Leaf", R"({"id":1,"unknown":)", R"(,"name":"a"})", true},
    {"t.Leaf", R"({"unknown":[)", "]}", true},
    {"t.Leaf", R"({"id":1,"name":"a","unknown":{"k":)", "}}", true},
};

std::string read_at(const Place& place, std::string_view json) {
  const std::string text = fmt::format("{}{}{}", place.before, json, place.behind);
  return codec_of(place.message)
      .to_wire(place.message, text, {.ignore_unknown = place.ignore_unknown});
}

bool refused(std::string_view outcome) { return outcome.starts_with("! "); }

TEST(JsonStrict, json_is_taken_and_all_else_refused_wherever_it_stands) {
  size_t cases = 0;
  check_table("json_strict.txt", [&](std::string_view name, std::string_view input) {
    ++cases;
    const std::string json = from_hex_escapes(input);
    const std::string outcome = codec_of("").again("google.protobuf.Value", json);
    if (!name.starts_with("i_")) EXPECT_EQ(refused(outcome), name.starts_with("n_")) << name;
    for (const Place& place : kPlaces) {
      const bool whole_only = name.starts_with("n_top_") && &place != kPlaces;
      if (name.starts_with("i_") || whole_only) continue;
      const std::string there = read_at(place, json);
      EXPECT_EQ(refused(there), name.starts_with("n_"))
          << name << " at " << place.message << " " << place.before << ": " << there;
    }
    return outcome;
  });
  EXPECT_GE(cases, 250u);
}

TEST(JsonStrict, what_is_cut_off_is_refused) {
  check_table("json_strict.txt", [&](std::string_view name, std::string_view input) {
    const std::string json = from_hex_escapes(input);
    std::string outcome = codec_of("").again("google.protobuf.Value", json);
    if (name.starts_with("y_") && !name.starts_with("y_top_")) {
      const size_t end = json.find_last_of("]}");
      for (size_t size = 0; size <= end; ++size)
        EXPECT_TRUE(refused(codec_of("").to_wire("google.protobuf.Value", json.substr(0, size))))
            << name << " " << size;
    }
    return outcome;
  });
}

// What lies behind a text can be read, and must not be taken for a part of it.
std::string read_before(std::string_view message, std::string_view json, std::string_view behind) {
  constexpr size_t kReadable = 64;
  std::string text(json);
  while (text.size() < json.size() + kReadable) text += behind;
  ByteBuffer out;
  const auto done = json_to_wire(codec_of(message).program(message),
                                 std::string_view(text).substr(0, json.size()), {}, out);
  return done ? std::string(out.view()) : "! " + done.error().message();
}

void expect_the_same_before_anything(std::string_view message, std::string_view json) {
  const std::string expected = codec_of(message).to_wire(message, json);
  for (const std::string_view behind : {"\"", "0", "}", "]", "\"}", "1]}", ",", " ", "\\", "\xff",
                                        "e5", ".5", ":1", "null", "true"})
    EXPECT_EQ(read_before(message, json, behind), expected) << json << " before " << behind;
}

TEST(JsonStrict, what_lies_behind_the_text_does_not_matter) {
  check_table("json_strict.txt", [&](std::string_view, std::string_view input) {
    const std::string json = from_hex_escapes(input);
    expect_the_same_before_anything("google.protobuf.Value", json);
    return codec_of("").again("google.protobuf.Value", json);
  });
  check_table("json_read.txt", [&](std::string_view message, std::string_view input) {
    const std::string json = from_hex_escapes(input);
    expect_the_same_before_anything(message, json);
    for (size_t size = 0; size < json.size(); ++size)
      expect_the_same_before_anything(message, std::string_view(json).substr(0, size));
    return codec_of(message).again(message, json);
  });
}

// A bound value keeps the reader from its quick loop for members.
std::string read_carefully(std::string_view message, std::string_view json, bool& can) {
  const CodecFake& codec = codec_of(message);
  const Program& program = codec.program(message);
  const contract::Field* free = nullptr;
  for (const FieldPlan& plan : program.fields())
    if (!plan.field->oneof && !plan.field->required && json.find(plan.json_name()) == json.npos &&
        json.find(plan.field->name) == json.npos)
      free = plan.field;
  can = program.kind() == Kind::Message && free != nullptr;
  if (!can) return {};
  const contract::Field* const path[] = {free};
  const BoundValue bound[] = {{.path = path, .leaf = "x"}};
  return codec.to_wire(message, json, {.bound = bound});
}

TEST(JsonStrict, the_careful_loop_reads_what_the_quick_one_reads) {
  size_t compared = 0;
  check_table("json_read.txt", [&](std::string_view message, std::string_view input) {
    const std::string json = from_hex_escapes(input);
    bool can = false;
    const std::string careful = read_carefully(message, json, can);
    if (can) EXPECT_EQ(careful, codec_of(message).to_wire(message, json)) << json;
    compared += can ? 1 : 0;
    return codec_of(message).again(message, json);
  });
  EXPECT_GT(compared, 200u);
}

}  // namespace
}  // namespace parley::wire
