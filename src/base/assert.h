#pragma once

namespace parley {

// Prints `file:line: assertion failed: what` to stderr and aborts.
[[noreturn]] void assertion_failed(const char* file, int line, const char* what);

}  // namespace parley

// Checks an invariant of our own code, in every build. Input never decides whether it holds: what a
// peer can send wrong is a `Failure`.
#define PARLEY_ASSERT(condition)                                                                  \
  (__builtin_expect(!(condition), 0) ? ::parley::assertion_failed(__FILE__, __LINE__, #condition) \
                                     : void())
