#include "door/set_fields.h"

namespace parley::door {

using contract::Field;

SetFields::Claim SetFields::claim(Path path, std::string_view key) {
  uint32_t parent = kTop;
  for (const Field* field : path) {
    const bool leaf = field == path.back();
    const std::string_view own_key = leaf ? key : std::string_view();
    const uint32_t known = find(parent, *field, own_key);
    if (known != kTop) {
      if (leaf ? !field->repeated || field->map : nodes_[known].leaf)
        return {Clash::SameField, nullptr};
      parent = known;
      continue;
    }
    if (const Field* other = rival(parent, *field)) return {Clash::SameOneof, other};
    nodes_.push_back({parent, field, own_key, leaf});
    parent = static_cast<uint32_t>(nodes_.size() - 1);
  }
  return {};
}

bool SetFields::contains(const Field& field) const {
  for (const Node& node : nodes_) {
    if (node.parent == kTop && node.field == &field) return true;
  }
  return false;
}

uint32_t SetFields::find(uint32_t parent, const Field& field, std::string_view key) const {
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].parent == parent && nodes_[i].field == &field && nodes_[i].key == key) return i;
  }
  return kTop;
}

const Field* SetFields::rival(uint32_t parent, const Field& field) const {
  if (field.oneof == nullptr) return nullptr;
  for (const Node& node : nodes_) {
    if (node.parent == parent && node.field->oneof == field.oneof && node.field != &field)
      return node.field;
  }
  return nullptr;
}

}  // namespace parley::door
