#pragma once

#include <algorithm>
#include <cstddef>
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
      if (more_.size() - next_ >= kCrumbsMin && size_ < (more_.size() - next_) * kCrumbBytes)
        merge();
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
  static constexpr size_t kSpentMax = 32;  // places in `more_` before next_
  // From so many chunks on, they have this many bytes on average: a peer that sends byte by byte
  // does not get the memory of a chunk for each. A merge copies at most this much for every chunk
  // that came since the last one.
  static constexpr size_t kCrumbsMin = 256;
  static constexpr size_t kCrumbBytes = 64;

  void merge() {
    ByteBuffer merged(size_ - front_.size());
    for (size_t i = next_; i < more_.size(); ++i) merged.append(more_[i].view());
    more_.clear();
    next_ = 0;
    more_.push_back(merged.take());
  }

  void advance() {
    front_ = {};
    if (next_ == more_.size()) return;
    front_ = std::move(more_[next_++]);
    if (next_ == more_.size()) {
      more_.clear();
      next_ = 0;
    } else if (next_ >= kSpentMax && next_ * 2 >= more_.size()) {
      // A queue that is never empty must not keep a place for all that ever was in it.
      more_.erase(more_.begin(), more_.begin() + static_cast<std::ptrdiff_t>(next_));
      next_ = 0;
    }
  }

  Bytes front_;
  std::vector<Bytes> more_;  // what follows front_, from next_ on
  size_t next_ = 0;
  size_t size_ = 0;
};

}  // namespace parley
