#pragma once

#include <cstddef>

namespace parley {

// What the pool of a thread (pool.h) has taken from malloc, in bytes: at the most since the last
// look.
struct PoolUse {
  size_t taken = 0;   // in all
  size_t needed = 0;  // of these were in use, or at least in one size's list for a moment only
};
PoolUse pool_look();

}  // namespace parley
