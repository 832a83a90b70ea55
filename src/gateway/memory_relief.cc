#include "gateway/memory_relief.h"

#include <malloc.h>

#include "base/pool.h"

namespace parley::gateway {
namespace {

// What a connection has beside the pool: OpenSSL's objects, mostly.
constexpr size_t kConnectionBytes = 16 << 10;
// So much has to lie idle for one look, or less for longer: giving it back takes the time of some
// dozen requests, and taking it again as much.
constexpr size_t kWorth = 4 << 20;

}  // namespace

void MemoryRelief::look(size_t connections) {
  saw(connections);
  if (!is_over(pool_look(), connections)) return;
  pool_release();
  malloc_trim(0);
}

// A load that is steady, or comes back within some looks, needs more than half of its peak all the
// time.
bool MemoryRelief::is_over(const PoolUse& use, size_t connections) {
  const size_t connected = std::max(most_connections_, connections) * kConnectionBytes;
  most_connections_ = connections;
  most_ = std::max(most_, use.taken + connected);
  needed_[looks_++ % kQuietLooks] = use.needed + connected;
  const size_t needed = *std::ranges::max_element(needed_);
  idle_ = needed > most_ / 2 ? 0 : idle_ + (most_ - needed);
  if (idle_ < kWorth) return false;
  idle_ = 0;
  most_ = needed;
  return true;
}

}  // namespace parley::gateway
