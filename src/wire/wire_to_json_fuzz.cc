#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "wire/json_pieces.h"
#include "wire/json_reader.h"
#include "wire/oracle_fake.h"

namespace {

bool refused_as_mask(const parley::Failure& failure) {
  return failure.message().ends_with(parley::wire::expected_json(parley::wire::Kind::FieldMask));
}

// Piece by piece the same comes out. `expected` is empty where the whole is refused: by a value,
// maybe, that another one overrides, and which pieces pass over.
void check_pieces(const parley::wire::Program& program, std::string_view wire,
                  const parley::wire::JsonWriteOptions& options, std::string_view expected) {
  parley::wire::JsonPieces pieces(program, wire, options);
  std::string text;
  for (;;) {
    const auto piece = pieces.next(1 + wire.size() / 3);
    if (!piece) {
      PARLEY_ASSERT(expected.empty());
      return;
    }
    if (piece->empty()) break;
    text += piece->view();
  }
  PARLEY_ASSERT(expected.empty() || text == expected);
}

}  // namespace

// Any bytes are refused, or become JSON that reads back to wire that means the same to protobuf, if
// protobuf takes them. The first byte chooses the message, the second the options.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace parley;
  using namespace parley::wire;
  static Oracle proto3(kProto3);
  static Oracle proto2(kProto2);
  static constexpr std::string_view kNames[] = {"t.Scalars", "t.Lists", "t.Tree", "t.Maps",
                                                "t.Choice",  "t.Known", "t2.Old", "t.Optionals"};
  if (size < 2) return 0;
  const std::string name(kNames[data[0] % std::size(kNames)]);
  Oracle& oracle = name.starts_with("t2.") ? proto2 : proto3;
  const Program& program = oracle.codec().program(name);
  const Bytes padded = Bytes::copy({reinterpret_cast<const char*>(data) + 2, size - 2});
  const std::string_view wire = padded.view();
  const JsonWriteOptions options{.presence_set_only = (data[1] & 1) != 0,
                                 .int64_numbers = (data[1] & 2) != 0,
                                 .enum_numbers = (data[1] & 4) != 0,
                                 .proto_names = (data[1] & 8) != 0,
                                 .pretty = (data[1] & 16) != 0};
  ByteBuffer json;
  const bool whole = wire_to_json(program, wire, options, json).has_value();
  check_pieces(program, wire, options, whole ? json.view() : std::string_view());
  if (!whole) return 0;
  // A value that another one overrides is checked where it stands in the way, and else may be bad:
  // so one field alone may fail where the whole does not.
  for (const FieldPlan& plan : program.fields()) {
    ByteBuffer alone;
    const auto done = wire_to_json_field(program, *plan.field, wire, options, alone);
    PARLEY_ASSERT(done.has_value() == !alone.empty());
  }
  const Bytes text = json.take();
  ByteBuffer again;
  const auto read = json_to_wire(program, text.view(), {.depth_max = 500}, again);
  // Required fields that the wire does not have are missing in the JSON too. Paths of a mask are
  // written that nobody may send.
  if (!read && (name == "t2.Old" || refused_as_mask(read.error()))) return 0;
  PARLEY_ASSERT(read.has_value());
  ByteBuffer second;
  PARLEY_ASSERT(wire_to_json(program, again.view(), options, second).has_value());
  const auto meant = oracle.parsed(name, wire);
  if (meant == nullptr) return 0;
  const auto came_back = oracle.parsed(name, again.view());
  PARLEY_ASSERT(came_back != nullptr);
  oracle.normalize(*meant);
  oracle.normalize(*came_back);
  PARLEY_ASSERT(difference(*meant, *came_back).empty());
  return 0;
}
