// Neither direction takes memory for a message once it has seen such messages: what it works in is
// handed on, and the output's memory is the caller's.
#include <cstddef>
#include <string_view>

#include <gtest/gtest.h>
#include <sanitizer/allocator_interface.h>

#include "wire/codec_fake.h"

namespace parley::wire {
namespace {

// Counts what this thread takes from malloc. Tests always run under a sanitizer, which tells.
thread_local size_t taken = 0;
void note_taken(const volatile void*, size_t) { ++taken; }
void note_given(const volatile void*) {}
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

struct Case {
  std::string_view message;
  std::string_view json;
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
    ByteBuffer out;
    bool ok = true;
    const size_t count = taken_by([&] {
      out.clear();
      ok = ok && json_to_wire(program, json.view(), {}, out).has_value();
    });
    EXPECT_TRUE(ok) << codec().to_wire(one.message, one.json);
    EXPECT_EQ(count, 0u) << one.json;
  }
}

TEST(Allocation, writing_json_takes_no_memory_once_warm) {
  for (const Case& one : kCases) {
    const Program& program = codec().program(one.message);
    const Bytes wire = Bytes::copy(codec().to_wire(one.message, one.json));
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
