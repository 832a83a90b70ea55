#include "base/bytes.h"

#include <algorithm>

#include "base/assert.h"
#include "base/pool.h"

namespace parley {
namespace detail {

namespace {
constexpr size_t kOverhead = sizeof(ByteBlock) + kBytesPadding;
}  // namespace

ByteBlock* ByteBlock::create(size_t capacity) {
  const size_t whole = pool_capacity(kOverhead + capacity);
  auto* block = static_cast<ByteBlock*>(pool_allocate(whole));
  block->references = 1;
  block->capacity = whole - kOverhead;
  std::memset(block->data() + block->capacity, 0, kBytesPadding);
  return block;
}

ByteBlock* ByteBlock::grow(ByteBlock* block, size_t capacity) {
  const size_t whole = pool_capacity(kOverhead + capacity);
  auto* grown = static_cast<ByteBlock*>(pool_reallocate(block, kOverhead + block->capacity, whole));
  grown->capacity = whole - kOverhead;
  std::memset(grown->data() + grown->capacity, 0, kBytesPadding);
  return grown;
}

void ByteBlock::destroy(ByteBlock* block) { pool_free(block, kOverhead + block->capacity); }

}  // namespace detail

const char Bytes::kEmpty[kBytesPadding] = {};

Bytes Bytes::copy(std::string_view content) {
  if (content.empty()) return {};
  auto* block = detail::ByteBlock::create(content.size());
  std::memcpy(block->data(), content.data(), content.size());
  return Bytes(block, content.size());
}

Bytes Bytes::slice(size_t offset, size_t length) const {
  PARLEY_ASSERT(offset <= size_ && length <= size_ - offset);
  if (length == 0) return {};
  Bytes part = *this;
  part.data_ += offset;
  part.size_ = length;
  return part;
}

void Bytes::remove_prefix(size_t count) {
  PARLEY_ASSERT(count <= size_);
  data_ += count;
  size_ -= count;
}

void ByteBuffer::reserve(size_t capacity) {
  if (!block_) {
    block_ = detail::ByteBlock::create(capacity);
  } else if (capacity > block_->capacity) {
    block_ = detail::ByteBlock::grow(block_, capacity);
  }
}

void ByteBuffer::grow(size_t count) {
  reserve(std::max({size_ + count, capacity() * 2, size_t{240}}));
}

Bytes ByteBuffer::take() {
  if (size_ == 0) return {};
  Bytes result(std::exchange(block_, nullptr), std::exchange(size_, 0));
  return result;
}

void ByteBuffer::reclaim(Bytes&& bytes) {
  Bytes given = std::move(bytes);
  if (block_ || !given.block_ || given.block_->references != 1) return;
  block_ = std::exchange(given.block_, nullptr);
  size_ = 0;
}

}  // namespace parley
