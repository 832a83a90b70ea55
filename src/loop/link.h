#pragma once

#include "base/assert.h"

namespace parley::loop {

// A place in a doubly linked list that leaves the list when it is destroyed. Awaiters, timers and
// tasks are links: so whoever destroys them cancels them, and no list ever holds a dangling one.
class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { unlink(); }

  bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (!next_) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

 private:
  template <typename T>
  friend class List;
  Link* next_ = nullptr;
  Link* previous_ = nullptr;
};

// A list of links, first in first out. `T` derives from Link. Destroying the list unlinks what is
// left.
template <typename T>
class List {
 public:
  List() { head_.next_ = head_.previous_ = &head_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    while (!empty()) head_.next_->unlink();
    head_.next_ = head_.previous_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }
  T& front() { return static_cast<T&>(*head_.next_); }

  // REQUIRES: !item.linked()
  void push_back(T& item) {
    Link& link = item;
    PARLEY_ASSERT(!link.linked());
    link.previous_ = head_.previous_;
    link.next_ = &head_;
    head_.previous_->next_ = &link;
    head_.previous_ = &link;
  }
  T& pop_front() {
    T& item = front();
    item.unlink();
    return item;
  }
  // Moves everything of `other` to the end of this list.
  void take_all(List& other) {
    if (other.empty()) return;
    other.head_.next_->previous_ = head_.previous_;
    other.head_.previous_->next_ = &head_;
    head_.previous_->next_ = other.head_.next_;
    head_.previous_ = other.head_.previous_;
    other.head_.next_ = other.head_.previous_ = &other.head_;
  }
  // Calls `visit` for each; `visit` may unlink the item it is given.
  template <typename Visit>
  void for_each(Visit visit) {
    for (Link* at = head_.next_; at != &head_;) {
      Link* next = at->next_;
      visit(static_cast<T&>(*at));
      at = next;
    }
  }

 private:
  Link head_;
};

}  // namespace parley::loop
