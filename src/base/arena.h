#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace parley {

// Memory that is freed all at once: what a call decodes lives here until the call ends. The first
// bytes need no allocation. Destructors are not run: for plain data only.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { release(); }

  void* allocate(size_t size) {
    const size_t rounded = (size + 7) & ~size_t{7};
    if (rounded > static_cast<size_t>(end_ - at_)) add_block(rounded);
    char* result = at_;
    at_ += rounded;
    return result;
  }

  // A copy that lives as long as the arena.
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* to = static_cast<char*>(allocate(text.size()));
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

 private:
  struct alignas(8) Block {
    Block* next;
  };
  static constexpr size_t kBlock = 4096;

  void add_block(size_t size) {
    const size_t capacity = size > kBlock ? size : kBlock;
    auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + capacity));
    PARLEY_ASSERT(block != nullptr);
    block->next = blocks_;
    blocks_ = block;
    at_ = reinterpret_cast<char*>(block + 1);
    end_ = at_ + capacity;
  }
  void release() {
    while (blocks_) std::free(std::exchange(blocks_, blocks_->next));
  }

  alignas(8) char first_[256];
  char* at_ = first_;
  char* end_ = first_ + sizeof first_;
  Block* blocks_ = nullptr;
};

}  // namespace parley
