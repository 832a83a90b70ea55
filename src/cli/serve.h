#pragma once

#include <string>
#include <vector>

#include "gateway/settings.h"

namespace parley::cli {

// Runs the gateway and tells the terminal what it does. `command` is how this program was called.
// The exit status of the process.
int serve(gateway::Settings settings, std::vector<std::string> command);

}  // namespace parley::cli
