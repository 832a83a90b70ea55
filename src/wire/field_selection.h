#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/program.h"

namespace parley::wire {

// Which fields of a message are asked for, and which of the fields of those, and so on. Immutable
// once it is made.
class FieldSelection {
 public:
  // One message's fields. `whole` fields come with all that is in them; of `part` ones only what
  // their own node has.
  class Node {
   public:
    bool has(const FieldPlan& plan) const { return bits_[plan.index / 64] >> plan.index % 64 & 1; }
    // What is asked for of a field's message. nullptr: all of it. REQUIRES: has(plan).
    const Node* below(const FieldPlan& plan) const;

   private:
    friend class FieldSelection;
    friend class SelectionParser;
    struct Part {
      uint16_t field = 0;  // FieldPlan::index
      uint32_t node = 0;
    };
    std::vector<Part>::const_iterator find(const FieldPlan& plan) const;

    const FieldSelection* selection_ = nullptr;
    std::vector<uint64_t> bits_;  // by FieldPlan::index
    std::vector<Part> parts_;     // in the order of the fields
  };

  FieldSelection() = default;
  FieldSelection(const FieldSelection&) = delete;
  FieldSelection& operator=(const FieldSelection&) = delete;

  // Adds what a text asks for of the messages of `program`:
  //
  //   list = item *( "," item )          item = path [ "(" list ")" ]
  //   path = name *( ( "." / "/" ) name )
  //
  // A name is lowerCamel or as declared (or `[extension]`); `*` stands for all fields at the end of
  // a path, and for the elements of a list or the values of a map behind their field (AIP-161),
  // where it may be left out. Empty, or what is wrong with the text. Call it once.
  std::string parse(const Program& program, std::string_view text, size_t depth_max);

  // Whether parse() failed for `depth_max`.
  bool too_deep() const { return too_deep_; }

  // nullptr: everything is asked for.
  const Node* root() const { return all_ ? nullptr : nodes_.data(); }

 private:
  friend class SelectionParser;
  uint32_t add_node(const Program& program);

  std::vector<Node> nodes_;
  bool all_ = true;
  bool too_deep_ = false;
};

}  // namespace parley::wire
