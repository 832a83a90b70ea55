// Parley's codec. Fields that have their default are left out of the JSON, as all peers do by
// themselves, and every program uses its buffer for the output again.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <google/protobuf/descriptor.pb.h>

#include "base/bytes.h"
#include "codec/cpp/harness.h"
#include "contract/load.h"
#include "wire/json_to_wire.h"
#include "wire/program.h"
#include "wire/wire_to_json.h"

namespace {

using codec_bench::Direction;
using codec_bench::Shape;

constexpr size_t kPaddingBytes = 64;  // readable behind the input, as the codec wants it

parley::contract::Contract load(const std::string& descriptors) {
  google::protobuf::FileDescriptorSet set;
  codec_bench::require(set.ParseFromString(descriptors), "contract.binpb");
  parley::contract::Source source;
  for (const auto& file : set.file()) source.files.push_back(file.SerializeAsString());
  auto loaded = parley::contract::load(std::move(source));
  codec_bench::require(loaded.contract.has_value(), "the contract does not load");
  return *std::move(loaded.contract);
}

// What the cases refer to.
struct Codec {
  explicit Codec(const std::string& folder)
      : contract(load(codec_bench::read_file(folder + "/contract.binpb"))),
        shapes(codec_bench::read_shapes(folder)) {
    for (Shape& shape : shapes) {
      shape.json.append(kPaddingBytes, '\0');
      shape.wire.append(kPaddingBytes, '\0');
    }
  }

  std::string_view json_to_wire(const parley::wire::Program& program, std::string_view json) {
    out.clear();
    const auto done = parley::wire::json_to_wire(program, json, {}, out);
    codec_bench::require(done.has_value(), "JSON refused");
    return out.view();
  }

  std::string_view wire_to_json(const parley::wire::Program& program, std::string_view wire) {
    out.clear();
    const auto done = parley::wire::wire_to_json(program, wire, {.presence_set_only = true}, out);
    codec_bench::require(done.has_value(), "wire refused");
    return out.view();
  }

  parley::contract::Contract contract;
  std::vector<Shape> shapes;
  parley::wire::Programs programs{contract};
  parley::ByteBuffer out;
};

std::string_view unpadded(const std::string& text) {
  return std::string_view(text).substr(0, text.size() - kPaddingBytes);
}

std::vector<codec_bench::Case> cases_of(Codec& codec) {
  std::vector<codec_bench::Case> cases;
  for (const Shape& shape : codec.shapes) {
    const parley::wire::Program* const program = codec.programs.find(shape.type);
    codec_bench::require(program != nullptr, shape.type);
    cases.push_back({case_name("parley", Direction::JsonToWire, shape), [&codec, &shape, program] {
                       return codec.json_to_wire(*program, unpadded(shape.json));
                     }});
    cases.push_back({case_name("parley", Direction::WireToJson, shape), [&codec, &shape, program] {
                       return codec.wire_to_json(*program, unpadded(shape.wire));
                     }});
  }
  return cases;
}

}  // namespace

int main(int argc, char** argv) {
  std::unique_ptr<Codec> codec;
  return codec_bench::run(argc, argv, [&](const std::string& folder) {
    codec = std::make_unique<Codec>(folder);
    return cases_of(*codec);
  });
}
