#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace parley::contract {

uint64_t name_hash(std::string_view name);

// Full names → numbers: open addressing, filled once, then only read. The names are borrowed.
class NameMap {
 public:
  void reserve(size_t count);

  // What the name stands for: `value`, or what it was added with before.
  uint32_t add(std::string_view name, uint32_t value);

  std::optional<uint32_t> find(std::string_view name) const;

 private:
  struct Slot {
    const char* name = nullptr;  // nullptr: free
    uint32_t size = 0;
    uint32_t value = 0;
  };

  Slot& slot_of(std::string_view name);

  std::vector<Slot> slots_;  // a power of two, at most three of four taken
  size_t taken_ = 0;
};

// The names and numbers of a message's fields or an enum's values; the elements themselves stay
// with their owner. A slot or a number's place holds an index, slots plus one.
struct MemberIndex {
  uint32_t mask = 0;
  uint32_t count = 0;
  const uint32_t* slots = nullptr;      // mask + 1 of them; 0: free
  const uint32_t* by_number = nullptr;  // `count` of them, by ascending number
};

}  // namespace parley::contract
