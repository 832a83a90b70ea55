#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace parley::gateway {

// Starts the program again, as `command` says: found as a shell finds it, with this process's
// environment and standard streams.
Result<void> start_successor(const std::vector<std::string>& command);

// A line for each started process that has ended meanwhile.
std::vector<std::string> reap_successors();

}  // namespace parley::gateway
