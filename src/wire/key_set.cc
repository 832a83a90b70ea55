#include "wire/key_set.h"

#include <random>

#include <xxhash.h>

namespace parley::wire {
namespace {

const uint64_t seed = [] {
  std::random_device device;  // tidy: allow random: nothing that comes out depends on it
  return uint64_t{device()} << 32 | device();
}();

}  // namespace

bool KeySet::add(const char* text, size_t offset, size_t size) {
  const Entry entry{static_cast<uint32_t>(XXH3_64bits_withSeed(text + offset, size, seed)),
                    static_cast<uint32_t>(offset), static_cast<uint32_t>(size)};
  if (entries_.size() >= kLinearMax) return add_to_slots(entry, text);
  for (const Entry& other : entries_)
    if (same(entry, other, text)) return false;
  entries_.push_back(entry);
  return true;
}

bool KeySet::add_to_slots(const Entry& entry, const char* text) {
  if (entries_.size() * 2 >= slots_.size()) rebuild_slots(entries_.size() * 4);
  const size_t mask = slots_.size() - 1;
  for (size_t i = entry.hash;; ++i) {
    uint32_t& slot = slots_[i & mask];
    if (slot == 0) {
      entries_.push_back(entry);
      slot = static_cast<uint32_t>(entries_.size());
      return true;
    }
    if (same(entry, entries_[slot - 1], text)) return false;
  }
}

void KeySet::rebuild_slots(size_t count) {
  size_t size = 1;
  while (size < count) size *= 2;
  slots_.assign(size, 0);
  for (size_t e = 0; e < entries_.size(); ++e) {
    size_t i = entries_[e].hash;
    while (slots_[i & (size - 1)] != 0) ++i;
    slots_[i & (size - 1)] = static_cast<uint32_t>(e + 1);
  }
}

}  // namespace parley::wire
