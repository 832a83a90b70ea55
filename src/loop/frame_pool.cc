#include "loop/frame_pool.h"

#include <array>
#include <cstdlib>

#include "base/assert.h"

#if defined(__SANITIZE_ADDRESS__) || (defined(__has_feature) && __has_feature(address_sanitizer))
#define PARLEY_PLAIN_FRAMES 1  // so that the sanitizer sees a use after the end
#else
#define PARLEY_PLAIN_FRAMES 0
#endif

namespace parley::loop {
namespace {

constexpr size_t kStep = 64;
constexpr size_t kClasses = 48;         // frames up to 3 KiB; larger ones come from malloc
constexpr size_t kKeptPerClass = 1024;  // frames that a thread keeps for reuse, per class

struct FreeFrame {
  FreeFrame* next;
};
struct FreeList {
  FreeFrame* first = nullptr;
  size_t count = 0;
};
struct Pool {
  std::array<FreeList, kClasses> lists;
  ~Pool() {
    for (FreeList& list : lists) {
      while (list.first) {
        FreeFrame* next = list.first->next;
        std::free(list.first);
        list.first = next;
      }
    }
  }
};
thread_local Pool pool;

size_t class_of(size_t size) { return (size + kStep - 1) / kStep - 1; }

}  // namespace

void* allocate_frame(size_t size) {
  const size_t index = class_of(size);
  if (!PARLEY_PLAIN_FRAMES && index < kClasses) {
    FreeList& list = pool.lists[index];
    if (list.first) {
      FreeFrame* frame = list.first;
      list.first = frame->next;
      --list.count;
      return frame;
    }
    size = (index + 1) * kStep;
  }
  void* memory = std::malloc(size);
  PARLEY_ASSERT(memory != nullptr);
  return memory;
}

void free_frame(void* frame, size_t size) {
  const size_t index = class_of(size);
  if (!PARLEY_PLAIN_FRAMES && index < kClasses && pool.lists[index].count < kKeptPerClass) {
    FreeList& list = pool.lists[index];
    auto* free_frame = static_cast<FreeFrame*>(frame);
    free_frame->next = list.first;
    list.first = free_frame;
    ++list.count;
    return;
  }
  std::free(frame);
}

}  // namespace parley::loop
