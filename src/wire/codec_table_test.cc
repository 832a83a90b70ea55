#include <gtest/gtest.h>

#include "wire/codec_fake.h"
#include "wire/table_fake.h"
#include "wire/text_to_wire.h"

namespace parley::wire {
namespace {

TEST(CodecTable, json_is_read_or_refused_as_the_table_says) {
  check_table("json_read.txt", [](std::string_view message, std::string_view json) {
    return codec_of(message).again(message, from_hex_escapes(json));
  });
}

TEST(CodecTable, unknown_members_are_passed_over_where_asked) {
  check_table("json_ignore.txt", [](std::string_view message, std::string_view json) {
    const CodecFake& codec = codec_of(message);
    const std::string wire =
        codec.to_wire(message, from_hex_escapes(json), {.ignore_unknown = true});
    return wire.starts_with("! ") ? wire
                                  : codec.to_json(message, wire, {.presence_set_only = true});
  });
}

TEST(CodecTable, wire_is_written_or_refused_as_the_table_says) {
  check_table("json_write.txt", [](std::string_view message, std::string_view hex) {
    return codec_of(message).to_json(message, from_hex(hex));
  });
}

TEST(CodecTable, text_is_read_or_refused_as_the_table_says) {
  check_table("text.txt", [](std::string_view name, std::string_view text) {
    const size_t dot = name.rfind('.');
    const CodecFake& codec = codec_of(name);
    const contract::Field& field = codec.field(name.substr(0, dot), name.substr(dot + 1));
    ByteBuffer out;
    const Result<void> done =
        text_to_wire(codec.programs(), field, from_hex_escapes(text), {.name = field.name}, out);
    if (!done) return "! " + done.error().message();
    return codec.to_json(name.substr(0, dot), out.view(), {.presence_set_only = true});
  });
}

}  // namespace
}  // namespace parley::wire
