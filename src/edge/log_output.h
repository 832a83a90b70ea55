#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace parley::edge {

// Where log lines end up.
class LogOutput {
 public:
  virtual ~LogOutput() = default;
  // How much of `lines` was taken; less than all: no more now, try again later.
  virtual size_t write(std::string_view lines) = 0;
  // Whether nothing can be written any more: the pipe's reader has gone.
  virtual bool broken() const = 0;
};

// Writes to a descriptor, standard output above all, which is borrowed. Never waits for a terminal,
// a pipe or a socket; a file's disk may make it wait. Others share the descriptor, so its flags
// stay as they are. To a pipe, whole lines of up to PIPE_BUF bytes leave in one write: those of
// several shards do not mix. REQUIRES: the process ignores SIGPIPE.
std::unique_ptr<LogOutput> log_to_descriptor(int descriptor);

}  // namespace parley::edge
