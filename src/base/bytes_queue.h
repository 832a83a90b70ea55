#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"

namespace parley {

// Chunks on their way, first in first out. One chunk, the usual case, needs no memory of its own.
class BytesQueue {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }  // in bytes

  void push(Bytes chunk) {
    if (chunk.empty()) return;
    size_ += chunk.size();
    if (front_.empty()) {
      front_ = std::move(chunk);
    } else {
      more_.push_back(std::move(chunk));
    }
  }

  // The next chunk. REQUIRES: !empty()
  const Bytes& front() const { return front_; }
  Bytes pop() {
    PARLEY_ASSERT(!empty());
    Bytes chunk = std::move(front_);
    size_ -= chunk.size();
    advance();
    return chunk;
  }

  // At most `count` bytes of the next chunk. REQUIRES: !empty(), count > 0
  Bytes pop_up_to(size_t count) {
    if (front_.size() <= count) return pop();
    Bytes part = front_.slice(0, count);
    front_.remove_prefix(count);
    size_ -= count;
    return part;
  }

  void clear() {
    front_ = {};
    more_.clear();
    next_ = 0;
    size_ = 0;
  }

 private:
  void advance() {
    front_ = {};
    if (next_ == more_.size()) return;
    front_ = std::move(more_[next_++]);
    if (next_ == more_.size()) {
      more_.clear();
      next_ = 0;
    }
  }

  Bytes front_;
  std::vector<Bytes> more_;  // what follows front_, from next_ on
  size_t next_ = 0;
  size_t size_ = 0;
};

}  // namespace parley
