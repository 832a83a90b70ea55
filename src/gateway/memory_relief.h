#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/pool_use.h"

namespace parley::gateway {

// Gives memory back to the operating system after a burst: what connections and streams have freed
// otherwise stays with the allocator for good, since some of it lies below what still lives. Each
// shard looks at its own memory.
class MemoryRelief {
 public:
  // Told whenever there is another connection, how many are open: a burst may come and go between
  // two looks.
  void saw(size_t connections) { most_connections_ = std::max(most_connections_, connections); }
  // Looks whether a burst is over: every second, on the shard's thread, told how many connections
  // are open.
  void look(size_t connections);

  // Whether it is, by what was seen at this look and before.
  bool is_over(const PoolUse& use, size_t connections);

 private:
  static constexpr size_t kQuietLooks = 3;

  size_t most_connections_ = 0;                  // since the last look
  size_t most_ = 0;                              // bytes, since memory was last given back
  std::array<size_t, kQuietLooks> needed_ = {};  // bytes, at the last looks
  size_t looks_ = 0;
  size_t idle_ = 0;  // byte-looks, since more than half of the most was needed
};

}  // namespace parley::gateway
