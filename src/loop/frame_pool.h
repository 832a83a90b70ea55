#pragma once

#include <cstddef>

namespace parley::loop {

// Memory for coroutine frames, from free lists of this thread: a call makes and drops a dozen of
// them.
void* allocate_frame(size_t size);
void free_frame(void* frame, size_t size);

}  // namespace parley::loop
