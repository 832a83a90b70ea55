#include "gateway/memory_relief.h"

#include <malloc.h>

#include "base/pool.h"

namespace parley::gateway {
namespace {
constexpr size_t kBurst = 256;  // fewer connections leave nothing worth the work
}  // namespace

void MemoryRelief::look(size_t connections) {
  saw(connections);
  if (most_ < kBurst || connections > most_ / 2) return;
  most_ = connections;
  pool_release();
  malloc_trim(0);
}

}  // namespace parley::gateway
