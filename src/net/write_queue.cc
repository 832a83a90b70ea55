#include "net/write_queue.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace parley::net {
namespace {

constexpr size_t kTailStart = 4 * 1024;
constexpr size_t kSpareMax = 64;     // tails, of one thread
constexpr size_t kChunksIdle = 4;    // capacity of `chunks_` that an empty queue keeps
constexpr size_t kChunksStale = 32;  // the least number that left before the others move up

// Tails that no queue uses: connections take turns with them.
std::vector<ByteBuffer>& spare_tails() {
  thread_local std::vector<ByteBuffer> tails;
  return tails;
}

ByteBuffer take_tail() {
  std::vector<ByteBuffer>& spare = spare_tails();
  if (spare.empty()) return ByteBuffer(kTailStart);
  ByteBuffer tail = std::move(spare.back());
  spare.pop_back();
  return tail;
}

// Keeps the memory of a chunk that has left, if it is alone with it and the size suits.
void recycle(Bytes chunk) {
  std::vector<ByteBuffer>& spare = spare_tails();
  const size_t capacity = chunk.retained();
  if (capacity < kTailStart || capacity > WriteQueue::kTailMax || spare.size() >= kSpareMax) return;
  ByteBuffer tail;
  tail.reclaim(std::move(chunk));
  if (tail.capacity() > 0) spare.push_back(std::move(tail));
}

iovec entry(const char* data, size_t size) {
  // A gathering write only reads, but iovec serves both directions.
  return {.iov_base = const_cast<char*>(data), .iov_len = size};
}

}  // namespace

void WriteQueue::push(Bytes bytes) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  if (bytes.size() <= kSmallMax) return append_small(bytes.view());
  seal_tail();
  chunks_.push_back(std::move(bytes));
}

void WriteQueue::push_copy(std::string_view bytes) {
  if (bytes.size() > kTailMax) return push(Bytes::copy(bytes));
  size_ += bytes.size();
  if (!bytes.empty()) append_small(bytes);
}

void WriteQueue::append_small(std::string_view bytes) {
  if (tail_.size() + bytes.size() > kTailMax) seal_tail();
  if (tail_.capacity() == 0) tail_ = take_tail();
  tail_.append(bytes);
}

void WriteQueue::seal_tail() {
  if (tail_.empty()) return;
  Bytes sealed = tail_.take();
  sealed.remove_prefix(std::exchange(tail_sent_, 0));
  if (!sealed.empty()) chunks_.push_back(std::move(sealed));
}

void WriteQueue::gather(Gathered& to) const {
  to.count = to.bytes = 0;
  const size_t end = std::min(chunks_.size(), first_ + kGatherMax);
  for (size_t i = first_; i < end; ++i) {
    to.entries[to.count++] = entry(chunks_[i].data(), chunks_[i].size());
    to.bytes += chunks_[i].size();
  }
  if (end < chunks_.size() || to.count == kGatherMax) return;
  const std::string_view tail = tail_.view().substr(tail_sent_);
  if (tail.empty()) return;
  to.entries[to.count++] = entry(tail.data(), tail.size());
  to.bytes += tail.size();
}

void WriteQueue::drop(size_t count) {
  PARLEY_ASSERT(count <= size_);
  if (count == size_) return clear();
  size_ -= count;
  while (first_ < chunks_.size() && count >= chunks_[first_].size()) {
    count -= chunks_[first_].size();
    recycle(std::exchange(chunks_[first_++], {}));
  }
  if (first_ < chunks_.size()) {
    chunks_[first_].remove_prefix(count);
  } else {
    tail_sent_ += count;
  }
  if (first_ == chunks_.size() || (first_ >= kChunksStale && first_ >= chunks_.size() / 2)) {
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
  }
}

void WriteQueue::clear() {
  for (Bytes& chunk : chunks_) recycle(std::move(chunk));
  chunks_.clear();
  size_ = first_ = 0;
  if (chunks_.capacity() > kChunksIdle) std::vector<Bytes>().swap(chunks_);
  release_tail();
}

void WriteQueue::release_tail() {
  tail_sent_ = 0;
  if (tail_.capacity() == 0) return;
  ByteBuffer tail = std::move(tail_);
  tail.clear();
  std::vector<ByteBuffer>& spare = spare_tails();
  if (spare.size() < kSpareMax) spare.push_back(std::move(tail));
}

}  // namespace parley::net
