#pragma once

#include <cstring>
#include <string_view>

#include "base/bytes.h"

namespace parley::wire {

// Writes behind the content of a buffer without asking at every byte. The buffer itself is not used
// until `commit` or `abandon`.
class OutputCursor {
 public:
  explicit OutputCursor(ByteBuffer& out) : out_(out), start_(out.size()) { grow(1); }

  // Room for `count` bytes, and kBytesPadding more; `advance` says where what was written ends.
  char* room(size_t count) {
    if (static_cast<size_t>(limit_ - at_) < count) [[unlikely]]
      grow(count);
    return at_;
  }
  void advance(char* to) { at_ = to; }
  // Where it writes, and how far without asking: for loops that keep both in registers, and put
  // `at` back by `advance`.
  char* at() const { return at_; }
  char* limit() const { return limit_; }

  void put(char c) {
    *room(1) = c;
    ++at_;
  }
  void append(std::string_view text) {
    std::memcpy(room(text.size()), text.data(), text.size());
    at_ += text.size();
  }

  // What has been written so far.
  char* base() { return out_.data() + start_; }
  const char* base() const { return const_cast<ByteBuffer&>(out_).data() + start_; }
  size_t size() const { return static_cast<size_t>(at_ - base()); }
  void truncate(size_t size) { at_ = base() + size; }

  void commit() { out_.commit(static_cast<size_t>(at_ - out_.data()) - out_.size()); }
  void abandon() { out_.truncate(start_); }

  // Goes on in the buffer, whose content somebody has taken. REQUIRES: committed.
  void restart() {
    start_ = out_.size();
    at_ = nullptr;
    grow(1);
  }

 private:
  void grow(size_t count) {
    if (at_) commit();
    at_ = out_.spare(count);
    limit_ = out_.data() + out_.capacity();
  }

  ByteBuffer& out_;
  size_t start_;
  char* at_ = nullptr;
  char* limit_ = nullptr;
};

}  // namespace parley::wire
