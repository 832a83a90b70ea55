#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace parley::wire {

// The keys that one map has had so far, as places in a text that others own and may move. The text
// has less than 4 GiB, as all messages do. The hashes are seeded by the process, so that nobody can
// choose keys that collide.
class KeySet {
 public:
  void clear() {
    entries_.clear();
    slots_.clear();
  }

  // Adds the `size` bytes at `offset` of `text`; false when an equal key is there already.
  bool add(const char* text, size_t offset, size_t size);

  size_t retained() const { return entries_.capacity() * sizeof(Entry) + slots_.capacity() * 4; }

 private:
  struct Entry {
    uint32_t hash;
    uint32_t offset;
    uint32_t size;
  };
  static constexpr size_t kLinearMax = 16;  // so many entries are compared one by one

  bool same(const Entry& a, const Entry& b, const char* text) const {
    return a.hash == b.hash && a.size == b.size &&
           std::string_view(text + a.offset, a.size) == std::string_view(text + b.offset, b.size);
  }
  bool add_to_slots(const Entry& entry, const char* text);
  void rebuild_slots(size_t count);

  std::vector<Entry> entries_;
  std::vector<uint32_t> slots_;  // index + 1; open addressing, a power of two
};

}  // namespace parley::wire
