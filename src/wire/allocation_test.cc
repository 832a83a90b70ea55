// Neither direction takes memory for a message once it has seen such messages: what it works in is
// handed on, and the output's memory is the caller's. The first time it takes little.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <sanitizer/allocator_interface.h>

#include "wire/codec_fake.h"
#include "wire/json_pieces.h"

namespace parley::wire {
namespace {

// Counts what this thread takes from malloc. Tests always run under a sanitizer, which tells.
thread_local size_t taken = 0;
thread_local int64_t held = 0;  // bytes
thread_local int64_t most_held = 0;
void note_taken(const volatile void*, size_t size) {
  ++taken;
  held += static_cast<int64_t>(size);
  most_held = std::max(most_held, held);
}
void note_given(const volatile void* block) {
  held -= static_cast<int64_t>(__sanitizer_get_allocated_size(block));
}
const int installed = __sanitizer_install_malloc_and_free_hooks(note_taken, note_given);

constexpr int kWarmUp = 3;
constexpr int kRounds = 20;

constexpr std::string_view kScalars =
    R"({"fDouble":0.1,"fFloat":1.5,"fInt32":-7,"fInt64":"-9223372036854775808","fUint32":1,)"
    R"("fUint64":"18446744073709551615","fSint32":-2,"fSint64":"-1","fFixed32":1,"fFixed64":"2",)"
    R"("fSfixed32":-3,"fSfixed64":"-4","fBool":true,"fString":"a\"\u00e9\ud83d\ude00 and more",)"
    R"("fBytes":"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRo=","fLevel":"HIGH"})";
constexpr std::string_view kLists =
    R"({"fDouble":[1,2.5,-0],"fInt32":[1,2,300],"fString":["a","a text that is longer than one)"
    R"( vector","\n"],"fBytes":["AQ=="],"fLevel":["LOW",2],"fLeaf":[{"id":1},{},{"name":"x"}],)"
    R"("unpacked":[1,2]})";
constexpr std::string_view kMaps =
    R"({"text":{"a":"b","":"c","a key that is longer than a string without memory":"x","d":"e"},)"
    R"("fInt32":{"-1":5,"2":6},"fBool":{"true":"x"},"leaf":{"k":{"id":5},"l":{}},)"
    R"("level":{"k":"HIGH"},"value":{"k":{"a":{"b":[1,{}]}}}})";
constexpr std::string_view kTree =
    R"({"id":1,"child":{"child":{"child":{"name":"deep"}}},"children":[{"children":[{"id":2}]}],)"
    R"("byName":{"x":{"children":[{},{"id":3}],"byName":{"y":{}}}}})";
constexpr std::string_view kKnown =
    R"({"timestamp":"2001-02-03T04:05:06.789+01:00","duration":"-1.5s",)"
    R"("mask":"aPathOfAMaskThatIsLonger.thanAStringWithoutMemory,x",)"
    R"("struct":{"a":1,"b":[true,null,"x",{}],"c":{"d":{}}},"value":[1,[2]],"list":["a"],)"
    R"("any":{"@type":"type.googleapis.com/t.Leaf","id":7},"wDouble":1.5,"wInt64":"5",)"
    R"("wString":"","anys":[{"@type":"x/google.protobuf.Duration","value":"3s"}]})";
constexpr std::string_view kOutOfOrder =
    R"({"fString":"x","f_int32":1,"fBool":false,"fDouble":2,"fInt64":null})";

// What is passed over: to find "@type", or because nobody knows it.
constexpr std::string_view kTypeLast =
    R"({"any":{"name":"a \"text\" that is longer than a string without memory",)"
    R"("id":7,"@type":"type.googleapis.com/t.Leaf"},)"
    R"("anys":[{"value":{"a":{"b":[1,{"a":{}}],"c":{"a":1,"b":2}},"d":[[]]},)"
    R"("@type":"x/google.protobuf.Struct"}]})";
constexpr std::string_view kUnknown =
    R"({"no":{"a":{"b":[1,{"a":{"a":1},"c":"\n"}],"a":2},"a key of more than 16 bytes":[{"a":1},)"
    R"({"a":2}]},"id":1,"child":{"no":1,"nor":[[],{}]},"children":[{"no":{"a":null}},{}]})";
constexpr std::string_view kUnknownInAny =
    R"({"any":{"no":{"a":1,"b":{"a":1}},"value":"1s","@type":"x/google.protobuf.Duration"},)"
    R"("anys":[{"@type":"x/google.protobuf.Empty","value":{"no":{"a":[1]}}}]})";

struct Case {
  std::string_view message;
  std::string_view json;
  bool ignore_unknown = false;
};
constexpr Case kCases[] = {
    {"t.Scalars", kScalars},
    {"t.Lists", kLists},
    {"t.Maps", kMaps},
    {"t.Tree", kTree},
    {"t.Known", kKnown},
    {"t.Scalars", kOutOfOrder},
    {"t.Choice", R"({"leaf":{"id":1},"after":"x","left":{}})"},
    {"t.Leaf", " { \"name\" : \"x\" , \"id\" : 1 } "},
    {"t.Known", kTypeLast},
    {"t.Tree", kUnknown, true},
    {"t.Known", kUnknownInAny, true},
};

const CodecFake& codec() {
  static const CodecFake fake;
  return fake;
}

// What `run` takes when it has run before.
template <typename Run>
size_t taken_by(Run run) {
  for (int i = 0; i < kWarmUp; ++i) run();
  const size_t before = taken;
  for (int i = 0; i < kRounds; ++i) run();
  return taken - before;
}

// The most bytes that `run` holds at once, in a thread that has kept nothing.
template <typename Run>
int64_t most_held_by(Run run) {
  int64_t most = 0;
  std::thread([&] {
    held = most_held = 0;
    run();
    most = most_held;
  }).join();
  return most;
}

// `first`, and `count` times `next` behind it, with the running number for each #.
std::string repeated(std::string_view first, std::string_view next, int count) {
  std::string json(first);
  for (int i = 0; i < count; ++i)
    for (const char c : next) c == '#' ? json += std::to_string(i) : json += c;
  return json;
}

struct Held {
  size_t wire = 0;  // bytes of the two forms
  size_t json = 0;
  int64_t reading = 0;  // bytes held beside the output, which has room
  int64_t writing = 0;
};

Held held_for(std::string_view message, const std::string& json) {
  const Program& program = codec().program(message);
  const Bytes text = Bytes::copy(json);
  const Bytes wire = Bytes::copy(codec().to_wire(message, json));
  ByteBuffer out(2 * (wire.size() + json.size()));
  bool ok = true;
  Held result{.wire = wire.size(), .json = json.size()};
  result.reading =
      most_held_by([&] { ok = json_to_wire(program, text.view(), {}, out).has_value(); });
  out.clear();
  const auto write = [&] {
    ok = ok && wire_to_json(program, wire.view(), {.presence_set_only = true}, out).has_value();
  };
  result.writing = most_held_by(write);
  EXPECT_TRUE(ok);
  return result;
}

TEST(Allocation, a_long_message_takes_little_beside_its_output) {
  constexpr int kCount = 20'000;
  const std::pair<std::string_view, std::string> cases[] = {
      {"t.Lists", repeated(R"({"fDouble":[0.5)", ",1.25", kCount) + "]}"},
      {"t.Lists", repeated(R"({"fInt64":["1")", R"(,"1234567890#")", kCount) + "]}"},
      {"t.Leaf", repeated(R"({"name":")", R"(text \"and\" \u20ac)", kCount) + "\"}"},
      {"t.Scalars", repeated(R"({"fBytes":")", "AQIDBAUG", kCount) + "\"}"},
      {"t.Tree",
       repeated(R"({"children":[{})", R"(,{"id":#,"child":{"name":"x"}})", kCount) + "]}"},
      {"t.Known", repeated(R"({"anys":[{})", R"(,{"@type":"x/t.Leaf","id":#})", kCount) + "]}"},
  };
  for (const auto& [message, json] : cases) {
    const Held used = held_for(message, json);
    EXPECT_LE(used.reading, static_cast<int64_t>(used.wire / 10)) << json.substr(0, 40);
    EXPECT_LE(used.writing, static_cast<int64_t>(used.json / 10)) << json.substr(0, 40);
  }
}

// What `JsonPieces` hold at most, beside their output: of a message of `count` elements.
int64_t held_by_pieces(std::string_view message, const std::string& wire) {
  constexpr size_t kPiece = 4096;
  const Program& program = codec().program(message);
  const Bytes padded = Bytes::copy(wire);
  bool ok = true;
  const int64_t most = most_held_by([&] {
    JsonPieces pieces(program, padded.view(), {});
    for (;;) {
      const auto piece = pieces.next(kPiece);
      ok = ok && piece.has_value();
      if (!ok || piece->empty()) return;
    }
  });
  EXPECT_TRUE(ok);
  return most;
}

TEST(Allocation, pieces_of_a_long_message_take_little_whatever_its_length) {
  constexpr int64_t kLittle = 256 * 1024;  // the quick loops' longest way is part of it
  const std::string children = repeated("", std::string("\x22\x00", 2), 300'000);  // Tree.children
  EXPECT_LE(held_by_pieces("t.Tree", children), kLittle);
  const std::string unpacked = repeated("", std::string("\x18\x01", 2), 300'000);  // Lists.f_int32
  EXPECT_LE(held_by_pieces("t.Lists", unpacked), kLittle);
}

TEST(Allocation, pieces_of_a_long_message_out_of_order_take_as_much_as_it_has) {
  std::string wire = repeated("", std::string("\x22\x00", 2), 300'000) + std::string("\x08\x01");
  EXPECT_LE(held_by_pieces("t.Tree", wire), static_cast<int64_t>(wire.size() * 5 / 2));
  // Each field of two bytes for itself.
  wire = repeated("", std::string("\x22\x00\x08\x01", 4), 200'000);
  EXPECT_LE(held_by_pieces("t.Tree", wire), static_cast<int64_t>(wire.size() * 13));
}

TEST(Allocation, entries_whose_value_comes_first_take_no_more_than_others) {
  // Maps.f_int32: {value, key}
  constexpr int kCount = 16'000;
  std::string wire;
  for (int i = 0; i < kCount; ++i) {
    const auto low = static_cast<char>(i % 128 + 128);
    const auto high = static_cast<char>(i / 128);
    wire += std::string("\x12\x05\x10\x01\x08", 5) + low + high;
  }
  EXPECT_LE(held_by_pieces("t.Maps", wire), kCount * 80);
}

// Keys are kept, so that one that is there twice is seen.
TEST(Allocation, a_map_takes_a_bounded_number_of_bytes_for_each_key) {
  constexpr int kCount = 20'000;
  constexpr int64_t kEach = 64;
  const Held used =
      held_for("t.Maps", repeated(R"({"text":{"":"")", R"(,"key#":"a value")", kCount) + "}}");
  EXPECT_LE(used.reading, kCount * kEach);
  EXPECT_LE(used.writing, kCount * kEach);
}

TEST(Allocation, is_counted) {
  ASSERT_NE(installed, 0);
  // Behind a volatile, so that no compiler leaves the pair out.
  const auto take_one = [] {
    int* volatile one = new int(1);
    delete one;
  };
  EXPECT_EQ(taken_by(take_one), size_t{kRounds});
}

TEST(Allocation, reading_json_takes_no_memory_once_warm) {
  for (const Case& one : kCases) {
    const Program& program = codec().program(one.message);
    const Bytes json = Bytes::copy(one.json);
    const JsonReadOptions options{.ignore_unknown = one.ignore_unknown};
    ByteBuffer out;
    bool ok = true;
    const size_t count = taken_by([&] {
      out.clear();
      ok = ok && json_to_wire(program, json.view(), options, out).has_value();
    });
    EXPECT_TRUE(ok) << codec().to_wire(one.message, one.json, options);
    EXPECT_EQ(count, 0u) << one.json;
  }
}

TEST(Allocation, writing_json_takes_no_memory_once_warm) {
  for (const Case& one : kCases) {
    const Program& program = codec().program(one.message);
    const Bytes wire =
        Bytes::copy(codec().to_wire(one.message, one.json, {.ignore_unknown = one.ignore_unknown}));
    for (const JsonWriteOptions& options : {JsonWriteOptions{},
                                            {.presence_set_only = true},
                                            {.enum_numbers = true, .pretty = true}}) {
      ByteBuffer out;
      bool ok = true;
      const size_t count = taken_by([&] {
        out.clear();
        ok = ok && wire_to_json(program, wire.view(), options, out).has_value();
      });
      EXPECT_TRUE(ok);
      EXPECT_EQ(count, 0u) << one.json;
    }
  }
}

TEST(Allocation, writing_selected_fields_takes_no_memory_once_warm) {
  FieldSelection selection;
  ASSERT_EQ(selection.parse(codec().program("t.Tree"), "id,child.child,children(id),byName", 10),
            "");
  const Bytes wire = Bytes::copy(codec().to_wire("t.Tree", kTree));
  ByteBuffer out;
  bool ok = true;
  const size_t count = taken_by([&] {
    out.clear();
    ok = ok &&
         wire_to_json(codec().program("t.Tree"), wire.view(), {.selection = selection.root()}, out)
             .has_value();
  });
  EXPECT_TRUE(ok);
  EXPECT_EQ(count, 0u);
}

}  // namespace
}  // namespace parley::wire
