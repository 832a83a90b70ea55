#include "base/pool.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"
#include "base/pool_use.h"

#if defined(__SANITIZE_ADDRESS__) || (defined(__has_feature) && __has_feature(address_sanitizer))
#define PARLEY_PLAIN_BLOCKS 1  // so that the sanitizer sees a use after the end
#else
#define PARLEY_PLAIN_BLOCKS 0
#endif

namespace parley {
namespace {

constexpr size_t kStep = 64;
constexpr size_t kClasses = 48;               // up to 3 KiB; larger blocks come from malloc
constexpr size_t kKeptPerClass = 384 * 1024;  // bytes that a thread keeps of one size

struct FreeBlock {
  FreeBlock* next;
};
struct FreeList {
  FreeBlock* first = nullptr;
  size_t bytes = 0;
  size_t least = 0;  // of the bytes, since the last look: nobody has needed these
};
struct Pool {
  std::array<FreeList, kClasses> lists;
  size_t taken = 0;       // bytes from malloc: in use, or in the lists
  size_t most_taken = 0;  // since the last look

  ~Pool() {
    release();
    // Whatever is freed later, at the thread's end, goes to malloc.
    for (FreeList& list : lists) list.bytes = kKeptPerClass;
  }
  void took(size_t size) {
    taken += size;
    most_taken = std::max(most_taken, taken);
  }
  // Some come from other threads, so that it may be more than this one has taken.
  void gave(size_t size) { taken -= std::min(size, taken); }
  void release() {
    for (FreeList& list : lists) {
      gave(list.bytes);
      while (list.first) {
        FreeBlock* next = list.first->next;
        std::free(list.first);
        list.first = next;
      }
      list.bytes = 0;
      list.least = 0;
    }
    most_taken = taken;
  }
};
thread_local Pool pool;

size_t class_of(size_t size) { return size == 0 ? 0 : (size - 1) / kStep; }
size_t size_of(size_t index) { return (index + 1) * kStep; }

}  // namespace

void pool_release() { pool.release(); }

PoolUse pool_look() {
  PoolUse use{.taken = pool.most_taken, .needed = pool.most_taken};
  for (FreeList& list : pool.lists) {
    use.needed -= std::min(list.least, use.needed);
    list.least = list.bytes;
  }
  pool.most_taken = pool.taken;
  return use;
}

size_t pool_capacity(size_t size) {
  const size_t index = class_of(size);
  return !PARLEY_PLAIN_BLOCKS && index < kClasses ? size_of(index) : size;
}

void* pool_allocate(size_t size) {
  const size_t index = class_of(size);
  if (!PARLEY_PLAIN_BLOCKS && index < kClasses) {
    FreeList& list = pool.lists[index];
    if (list.first) {
      FreeBlock* block = list.first;
      list.first = block->next;
      list.bytes -= size_of(index);
      list.least = std::min(list.least, list.bytes);
      return block;
    }
    size = size_of(index);
  }
  void* memory = std::malloc(size);
  PARLEY_ASSERT(memory != nullptr);
  pool.took(size);
  return memory;
}

void pool_free(void* block, size_t size) {
  if (block == nullptr) return;
  const size_t index = class_of(size);
  if (!PARLEY_PLAIN_BLOCKS && index < kClasses) {
    FreeList& list = pool.lists[index];
    if (list.bytes + size_of(index) <= kKeptPerClass) {
      auto* free_block = static_cast<FreeBlock*>(block);
      free_block->next = list.first;
      list.first = free_block;
      list.bytes += size_of(index);
      return;
    }
    size = size_of(index);
  }
  pool.gave(size);
  std::free(block);
}

void* pool_reallocate(void* block, size_t size, size_t wanted) {
  if (block != nullptr && class_of(size) >= kClasses && class_of(wanted) >= kClasses) {
    void* const moved = std::realloc(block, wanted);
    PARLEY_ASSERT(moved != nullptr);
    pool.gave(size);
    pool.took(wanted);
    return moved;
  }
  void* const moved = pool_allocate(wanted);
  if (block != nullptr) std::memcpy(moved, block, std::min(size, wanted));
  pool_free(block, size);
  return moved;
}

}  // namespace parley
