#include "contract/name_map.h"

#include <bit>

#include <xxhash.h>

#include "base/assert.h"

namespace parley::contract {

uint64_t name_hash(std::string_view name) { return XXH3_64bits(name.data(), name.size()); }

void NameMap::reserve(size_t count) {
  const size_t wanted = std::bit_ceil(count + count / 3 + 2);
  if (wanted <= slots_.size()) return;
  std::vector<Slot> old(wanted);
  old.swap(slots_);
  for (const Slot& each : old)
    if (each.name) slot_of({each.name, each.size}) = each;
}

uint32_t NameMap::add(std::string_view name, uint32_t value) {
  PARLEY_ASSERT(name.data() != nullptr && name.size() <= UINT32_MAX);
  reserve(taken_ + 1);
  Slot& slot = slot_of(name);
  if (!slot.name) {
    slot = {name.data(), static_cast<uint32_t>(name.size()), value};
    ++taken_;
  }
  return slot.value;
}

std::optional<uint32_t> NameMap::find(std::string_view name) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = const_cast<NameMap*>(this)->slot_of(name);
  if (!slot.name) return std::nullopt;
  return slot.value;
}

// The slot that holds the name, or the free one where it belongs.
NameMap::Slot& NameMap::slot_of(std::string_view name) {
  const size_t mask = slots_.size() - 1;
  for (size_t at = name_hash(name) & mask;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (!slot.name || std::string_view(slot.name, slot.size) == name) return slot;
  }
}

}  // namespace parley::contract
