#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace parley {

// Readable bytes that follow the end of every `Bytes` (their content is unspecified), so that
// scanners may load whole vectors without looking at the end.
inline constexpr size_t kBytesPadding = 64;

namespace detail {
// The shared memory of some `Bytes`. The count is not atomic: a block belongs to one shard.
struct ByteBlock {
  uint32_t references;
  uint32_t unused;
  size_t capacity;  // without header and padding
  char* data() { return reinterpret_cast<char*>(this + 1); }

  static ByteBlock* create(size_t capacity);
  static ByteBlock* grow(ByteBlock* block, size_t capacity);  // REQUIRES: references == 1
  static void destroy(ByteBlock* block);
};
}  // namespace detail

// An immutable run of bytes, counted within its shard: copying and slicing share the memory.
// A `Bytes` that is the only reference may be moved to another shard; a shared one must be copied
// with `Bytes::copy(view())` first.
class Bytes {
 public:
  Bytes() = default;
  Bytes(Bytes&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        data_(std::exchange(other.data_, kEmpty)),
        size_(std::exchange(other.size_, 0)) {}
  Bytes(const Bytes& other) : block_(other.block_), data_(other.data_), size_(other.size_) {
    if (block_) ++block_->references;
  }
  Bytes& operator=(Bytes other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Bytes() {
    if (block_ && --block_->references == 0) detail::ByteBlock::destroy(block_);
  }

  static Bytes copy(std::string_view content);

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_, size_}; }

  // The `length` bytes from `offset` on, sharing the memory. REQUIRES: offset + length <= size().
  Bytes slice(size_t offset, size_t length) const;

  // Drops `count` bytes from the front. REQUIRES: count <= size().
  void remove_prefix(size_t count);

  // Bytes of memory that this value keeps alive, whoever else shares them.
  size_t retained() const { return block_ ? block_->capacity : 0; }

  friend bool operator==(const Bytes& a, const Bytes& b) { return a.view() == b.view(); }

 private:
  friend class ByteBuffer;
  static const char kEmpty[kBytesPadding];

  Bytes(detail::ByteBlock* block, size_t size) : block_(block), data_(block->data()), size_(size) {}

  detail::ByteBlock* block_ = nullptr;
  const char* data_ = kEmpty;
  size_t size_ = 0;
};

// A growable run of bytes with one owner; `take` makes it `Bytes` without copying.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  explicit ByteBuffer(size_t capacity) { reserve(capacity); }
  ByteBuffer(ByteBuffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~ByteBuffer() {
    if (block_) detail::ByteBlock::destroy(block_);
  }

  size_t size() const { return size_; }
  size_t capacity() const { return block_ ? block_->capacity : 0; }
  bool empty() const { return size_ == 0; }
  char* data() { return block_ ? block_->data() : nullptr; }
  std::string_view view() const { return {block_ ? block_->data() : "", size_}; }

  void append(std::string_view content) {
    if (content.empty()) return;
    std::memcpy(spare(content.size()), content.data(), content.size());
    size_ += content.size();
  }
  void append(char c) {
    *spare(1) = c;
    ++size_;
  }

  // Room for at least `count` bytes after the content; `commit` makes written ones part of it.
  char* spare(size_t count) {
    if (capacity() - size_ < count) [[unlikely]]
      grow(count);
    return block_->data() + size_;
  }
  void commit(size_t count) { size_ += count; }

  void reserve(size_t capacity);
  void truncate(size_t size) { size_ = size < size_ ? size : size_; }
  void clear() { size_ = 0; }

  // The content as `Bytes`; the buffer is empty afterwards.
  Bytes take();

  // Uses the memory of `bytes` again, if nobody else refers to it and this buffer has none.
  void reclaim(Bytes&& bytes);

 private:
  void grow(size_t count);

  detail::ByteBlock* block_ = nullptr;
  size_t size_ = 0;
};

}  // namespace parley
