// Contracts of editions, which libprotobuf 3.21 does not know: messages behave as their features
// say. The descriptor set is testdata/editions/*.proto, compiled by a newer protoc
// (tests/conformance/editions_test.py).
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "base/assert.h"
#include "contract/load.h"
#include "contract/proto_files.h"
#include "wire/json_to_wire.h"
#include "wire/table_fake.h"
#include "wire/wire_to_json.h"

namespace parley::wire {
namespace {

contract::Contract load_editions() {
  std::ifstream file("src/wire/testdata/editions.binpb", std::ios::binary);
  const std::string set{std::istreambuf_iterator<char>(file), {}};
  contract::Compiled compiled = contract::split_descriptor_set(set, "editions.binpb");
  contract::Loaded loaded = contract::load(std::move(compiled.source));
  PARLEY_ASSERT(loaded.contract.has_value());
  return std::move(*loaded.contract);
}

const Program& program(std::string_view message) {
  static const contract::Contract contract = load_editions();
  static const Programs programs(contract);
  const Program* const found = programs.find(message);
  PARLEY_ASSERT(found != nullptr);
  return *found;
}

TEST(Editions, json_becomes_the_wire_that_the_features_ask_for) {
  check_table("editions_read.txt", [](std::string_view message, std::string_view json) {
    const Bytes padded = Bytes::copy(from_hex_escapes(json));
    ByteBuffer wire;
    const auto done = json_to_wire(program(message), padded.view(), {}, wire);
    return done ? to_hex(wire.view()) : "! " + done.error().message();
  });
}

TEST(Editions, wire_becomes_the_json_that_the_features_ask_for) {
  check_table("editions_write.txt", [](std::string_view message, std::string_view hex) {
    const Bytes padded = Bytes::copy(from_hex(hex));
    ByteBuffer json;
    const auto done = wire_to_json(program(message), padded.view(), {}, json);
    return done ? std::string(json.view()) : "! " + done.error().message();
  });
}

}  // namespace
}  // namespace parley::wire
