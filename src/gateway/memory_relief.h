#pragma once

#include <algorithm>
#include <cstddef>

namespace parley::gateway {

// Gives memory back to the operating system after a burst of connections: what they have freed
// otherwise stays with the allocator for good, since some of it lies below what still lives.
class MemoryRelief {
 public:
  // Told whenever there is another connection, how many are open: a burst may come and go between
  // two looks.
  void saw(size_t connections) { most_ = std::max(most_, connections); }
  // Looks whether a burst is over: told every now and then, on the shard's thread, how many
  // connections are open.
  void look(size_t connections);

 private:
  size_t most_ = 0;  // connections at once, since memory was last given back
};

}  // namespace parley::gateway
