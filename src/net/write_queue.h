#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include <sys/uio.h>

#include "base/bytes.h"

namespace parley::net {

// Bytes on their way out, in order. Small chunks are copied together, so that many small frames
// cost one entry of a gathering write and pin no block they are a slice of; large ones are kept as
// they are. An empty queue owns next to nothing: its memory goes back to this thread's spare.
class WriteQueue {
 public:
  static constexpr size_t kGatherMax = 64;       // entries of one write
  static constexpr size_t kSmallMax = 2 * 1024;  // copied up to this size
  static constexpr size_t kTailMax = 16 * 1024;  // as long as the copies have this size

  WriteQueue() = default;
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;
  ~WriteQueue() { clear(); }

  void push(Bytes bytes);
  void push_copy(std::string_view bytes);
  size_t size() const { return size_; }  // in bytes
  bool empty() const { return size_ == 0; }

  // The first chunks, at most kGatherMax of them: what one write should take.
  struct Gathered {
    std::array<iovec, kGatherMax> entries;
    size_t count = 0;
    size_t bytes = 0;
  };
  void gather(Gathered& to) const;
  // Drops `count` bytes from the front. REQUIRES: count <= size()
  void drop(size_t count);
  void clear();

 private:
  void append_small(std::string_view bytes);
  void seal_tail();
  void release_tail();

  std::vector<Bytes> chunks_;  // those before first_ have left
  size_t first_ = 0;
  ByteBuffer tail_;  // follows the chunks
  size_t tail_sent_ = 0;
  size_t size_ = 0;
};

}  // namespace parley::net
