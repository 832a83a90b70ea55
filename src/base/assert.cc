#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace parley {

void assertion_failed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
  std::abort();
}

}  // namespace parley
