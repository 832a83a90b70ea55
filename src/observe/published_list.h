#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace parley::observe {

// A list that one thread adds to while others walk it. An item is complete before it is published,
// and then stays until the list is destroyed, which REQUIRES that nobody walks it any more. `T` has
// a member `T* next`. The newest item comes first.
template <typename T>
class PublishedList {
 public:
  PublishedList() = default;
  PublishedList(const PublishedList&) = delete;
  PublishedList& operator=(const PublishedList&) = delete;
  ~PublishedList() {
    for (T* at = head_.load(std::memory_order_relaxed); at != nullptr;)
      delete std::exchange(at, at->next);
  }

  // The owner's.
  template <typename... Arguments>
  T& add(Arguments&&... arguments) {
    auto item = std::make_unique<T>(std::forward<Arguments>(arguments)...);
    item->next = head_.load(std::memory_order_relaxed);
    head_.store(item.get(), std::memory_order_release);
    ++size_;
    return *item.release();
  }
  T* first() { return head_.load(std::memory_order_relaxed); }
  size_t size() const { return size_; }  // the owner's, too

  // Any thread's: follow `next`.
  const T* first() const { return head_.load(std::memory_order_acquire); }

 private:
  std::atomic<T*> head_{nullptr};
  size_t size_ = 0;
};

}  // namespace parley::observe
