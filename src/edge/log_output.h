#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace parley::edge {

// Where log lines end up: a descriptor that others may share, standard output above all.
class LogOutput {
 public:
  virtual ~LogOutput() = default;
  // Writes as much of `lines` as is taken at once; 0: nothing now, try again later. Broken for
  // good (a pipe without a reader): takes everything, and it is lost.
  virtual size_t write(std::string_view lines) = 0;
};

// Writes to a descriptor, which is borrowed, without ever waiting and without changing its flags:
// a shell shares them. Whole lines of up to PIPE_BUF bytes leave in one write, so that the lines of
// several shards do not mix.
std::unique_ptr<LogOutput> log_to_descriptor(int descriptor);

}  // namespace parley::edge
