#pragma once

#include <cstddef>

namespace parley {

// Memory for what a call makes and drops by the dozen (coroutine frames, fields, small chunks,
// streams), from free lists of this thread. A block may be freed on another thread than it was
// allocated on. What has been used once is kept, up to a bound per size.
void* pool_allocate(size_t size);
void pool_free(void* block, size_t size);  // `size`: as it was asked for
// A larger or smaller block with the same content.
void* pool_reallocate(void* block, size_t size, size_t wanted);
// Gives what this thread keeps back to malloc.
void pool_release();

// How many bytes a block for `size` really has: what grows may use them.
size_t pool_capacity(size_t size);

// For classes: PARLEY_POOLED in the class makes `new` and `delete` take memory from the pool.
#define PARLEY_POOLED                                                              \
  static void* operator new(size_t size) { return ::parley::pool_allocate(size); } \
  static void operator delete(void* block, size_t size) { ::parley::pool_free(block, size); }

}  // namespace parley
