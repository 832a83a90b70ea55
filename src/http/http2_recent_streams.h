#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace parley::http {

// The last few streams of a connection to which something happened, by their ids.
class Http2RecentStreams {
 public:
  void add(int32_t id) {
    int32_t& place = ring_[next_++ % ring_.size()];
    forgotten_max_ = std::max(forgotten_max_, place);
    place = id;
  }
  bool has(int32_t id) const { return std::find(ring_.begin(), ring_.end(), id) != ring_.end(); }
  // Whether it was there, as far as that is known.
  bool may_have_had(int32_t id) const { return id <= forgotten_max_ || has(id); }

 private:
  std::array<int32_t, 16> ring_{};  // 0: free
  size_t next_ = 0;
  int32_t forgotten_max_ = 0;
};

}  // namespace parley::http
