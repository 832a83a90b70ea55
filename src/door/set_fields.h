#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "contract/model.h"

namespace parley::door {

// Which singular fields of a message a request has set so far, so that none is set twice and no
// oneof has two members. Messages on the way to a field may be entered any number of times.
class SetFields {
 public:
  using Path = std::span<const contract::Field* const>;  // from the message down to the leaf

  enum class Clash : uint8_t { None, SameField, SameOneof };
  struct Claim {
    Clash clash = Clash::None;
    const contract::Field* other = nullptr;  // of SameOneof: the member that is set
  };

  // Notes that the leaf of `path` is set. A repeated leaf may be set often; of a map each `key`
  // only once, which must live as long as this. Nothing inside of a leaf may be set.
  Claim claim(Path path, std::string_view key = {});

  // Whether the field of the message itself, or something in it, is set.
  bool contains(const contract::Field& field) const;
  // The member of the same oneof that is set; nullptr: none, or the field is in no oneof.
  const contract::Field* rival(const contract::Field& field) const { return rival(kTop, field); }

 private:
  static constexpr uint32_t kTop = UINT32_MAX;
  struct Node {
    uint32_t parent = kTop;  // in nodes_
    const contract::Field* field = nullptr;
    std::string_view key;
    bool leaf = false;
  };

  uint32_t find(uint32_t parent, const contract::Field& field, std::string_view key) const;
  const contract::Field* rival(uint32_t parent, const contract::Field& field) const;

  std::vector<Node> nodes_;
};

}  // namespace parley::door
