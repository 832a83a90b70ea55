#pragma once

#include <cstdint>
#include <string>

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/message.h>

#include "simulation/draw.h"

namespace parley::roundtrip {

// Fills messages with values from all over their ranges, as far as JSON has them too.
class Filler {
 public:
  // `pool` and `factory` know what may be inside of a google.protobuf.Any. Borrows all.
  Filler(simulation::Draw& draw, const google::protobuf::DescriptorPool& pool,
         google::protobuf::DynamicMessageFactory& factory)
      : draw_(draw), pool_(pool), factory_(factory) {}

  // About so many bytes of wire, if the type has room for them. `behind_another`: its wire will
  // come behind that of another message, to be one with it. Half of a Duration or of an Any would
  // make none that JSON has together with the other's half, so these are whole or empty then.
  void fill(google::protobuf::Message& message, uint64_t size, bool behind_another) {
    behind_another_ = behind_another;
    fill(message, size, kDepthMax);
  }

 private:
  using Message = google::protobuf::Message;
  using Field = google::protobuf::FieldDescriptor;
  static constexpr int kDepthMax = 12;
  static constexpr uint64_t kAnySizeMax = 4096;  // of what is inside of one

  void fill(Message& message, uint64_t size, int depth);
  bool fill_known(Message& message, uint64_t size, int depth);
  void fill_any(Message& message, uint64_t size, int depth);
  void fill_value(Message& message, uint64_t size, int depth);
  uint64_t set(Message& message, const Field& field, uint64_t size, int depth);
  uint64_t set_one(Message& message, const Field& field, uint64_t size, int depth);
  void set_entry(Message& entry, uint64_t size, int depth);
  void set_key(Message& entry, const Field& key);
  uint64_t log_size(uint64_t most);
  uint64_t bits();
  double real();
  std::string text(uint64_t size);
  std::string octets(uint64_t size);

  simulation::Draw& draw_;
  const google::protobuf::DescriptorPool& pool_;
  google::protobuf::DynamicMessageFactory& factory_;
  bool behind_another_ = false;
  uint64_t keys_ = 0;  // of maps so far: each is another, since double ones override
};

}  // namespace parley::roundtrip
