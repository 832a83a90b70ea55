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
      const size_t taken = std::min(wanted() - held_, bytes.size());
      std::memcpy(head_.data() + held_, bytes.data(), taken);
      held_ += taken;
      bytes.remove_prefix(taken);
      if (held_ == 0 || held_ < wanted()) continue;
      const std::string_view held(reinterpret_cast<const char*>(head_.data()), held_);
      on_frame(Head{.length = length(),
                    .type = head_[3],
                    .flags = head_[4],
                    .stream = static_cast<int32_t>(number(5) & 0x7fffffff),
                    .payload = held.substr(kHeaderBytes)});
      skip_ = length() - (held_ - kHeaderBytes);
      held_ = 0;
    }
  }

 private:
  static constexpr uint8_t kPriority = 2;

  size_t wanted() const {
    const bool priority =
        held_ >= kHeaderBytes && head_[3] == kPriority && length() == kPriorityBytes;
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
};

}  // namespace parley::http
