#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace parley::http {

// Sees the header of every frame of a connection (RFC 9113, 4.1) before nghttp2 does, which keeps
// those that it ignores to itself. `skipped`: bytes before the first frame.
class Http2FrameWalk {
 public:
  static constexpr size_t kHeaderBytes = 9;
  static constexpr size_t kPriorityBytes = 5;  // of PRIORITY's payload

  // `payload`: the 5 bytes of a PRIORITY frame that has so many; else empty.
  struct Head {
    uint32_t length;
    uint8_t type;
    uint8_t flags;
    int32_t stream;
    std::string_view payload;
  };

  explicit Http2FrameWalk(size_t skipped) : skip_(skipped) {}

  // Calls on_frame(const Head&) for each frame that begins in `bytes`, which follow the last ones.
  template <typename OnFrame>
  void feed(std::string_view bytes, OnFrame on_frame) {
    while (!bytes.empty()) {
      const size_t skipped = std::min(skip_, bytes.size());
      skip_ -= skipped;
      bytes.remove_prefix(skipped);
      if (held_ == 0 && !bytes.empty() && !block_goes_on_) ++begun_;
      const size_t taken = std::min(wanted() - held_, bytes.size());
      std::memcpy(head_.data() + held_, bytes.data(), taken);
      held_ += taken;
      bytes.remove_prefix(taken);
      if (held_ == 0 || held_ < wanted()) continue;
      const std::string_view held(reinterpret_cast<const char*>(head_.data()), held_);
      on_frame(Head{.length = length(),
                    .type = head_[kTypeAt],
                    .flags = head_[4],
                    .stream = static_cast<int32_t>(number(5) & 0x7fffffff),
                    .payload = held.substr(kHeaderBytes)});
      in_block_ = is_of_block();
      block_goes_on_ = in_block_ && (head_[4] & kEndHeaders) == 0;
      skip_ = length() - (held_ - kHeaderBytes);
      held_ = 0;
    }
  }

  // Whether the bytes so far end inside of a header block, or of a frame that may become one.
  bool in_header() const {
    if (held_ > 0) return held_ <= kTypeAt || is_of_block();
    return in_block_ && (skip_ > 0 || block_goes_on_);
  }
  // The size of the DATA frame that is not whole yet, with its header; 0: there is none.
  size_t partial_data() const {
    const bool within = begun_ > 0 && held_ == 0 && skip_ > 0 && head_[kTypeAt] == kData;
    return within ? kHeaderBytes + length() : 0;
  }
  // How many frames have begun; those of a header block are one.
  uint64_t begun() const { return begun_; }

 private:
  static constexpr size_t kTypeAt = 3;
  static constexpr uint8_t kData = 0;
  static constexpr uint8_t kHeaders = 1;
  static constexpr uint8_t kPriority = 2;
  static constexpr uint8_t kContinuation = 9;
  static constexpr uint8_t kEndHeaders = 4;

  bool is_of_block() const { return head_[kTypeAt] == kHeaders || head_[kTypeAt] == kContinuation; }

  size_t wanted() const {
    const bool priority =
        held_ >= kHeaderBytes && head_[kTypeAt] == kPriority && length() == kPriorityBytes;
    return priority ? head_.size() : kHeaderBytes;
  }
  uint32_t length() const { return number(0) >> 8; }
  uint32_t number(size_t at) const {
    return uint32_t{head_[at]} << 24 | uint32_t{head_[at + 1]} << 16 |
           uint32_t{head_[at + 2]} << 8 | head_[at + 3];
  }

  std::array<uint8_t, kHeaderBytes + kPriorityBytes> head_{};
  size_t held_ = 0;  // bytes in head_
  size_t skip_;      // bytes until the next header
  uint64_t begun_ = 0;
  bool in_block_ = false;  // the last whole header was that of HEADERS or CONTINUATION
  bool block_goes_on_ = false;
};

}  // namespace parley::http
