#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>

#include "contract/model.h"
#include "roundtrip/message.h"
#include "wire/program.h"
#include "wire/wire_to_json.h"

namespace parley::roundtrip {

// How large the messages are, each evenly in its logarithm, with a median of 300 bytes.
enum class Sizes : uint8_t {
  All,    // up to 1 MiB
  Small,  // up to 45 kB, and one in 200 up to 1 MiB: for sanitizers, which take their time
};

// One schema, as protobuf and as the codec have it, and the messages that a seed makes of it.
class World {
 public:
  static constexpr int kMessages = 50;

  World(uint64_t seed, Sizes sizes);

  // Writes all messages as JSON and reads them back: the bytes mean the same to protobuf. False:
  // what is wrong has been printed. Adds the sizes of their wire to `sizes`.
  bool run(std::vector<uint64_t>& sizes);

 private:
  using Message = google::protobuf::Message;

  bool round_trip(const std::string& wire);
  bool same_in_pieces(const wire::Program& program, const Bytes& wire,
                      const wire::JsonWriteOptions& options, std::string_view whole);
  bool same_selected(const wire::Program& program, const Bytes& wire,
                     wire::JsonWriteOptions options);
  bool complain(const std::string& what, std::string_view json);
  std::string draw_wire();
  uint64_t draw_size();
  wire::JsonWriteOptions draw_options();
  std::unique_ptr<Message> parsed(std::string_view wire);

  simulation::Draw draw_;
  const uint64_t seed_;
  const Sizes sizes_;
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
  const google::protobuf::Descriptor* root_ = nullptr;
  std::unique_ptr<contract::Contract> contract_;
  std::unique_ptr<wire::Programs> programs_;
  Filler filler_;
};

}  // namespace parley::roundtrip
