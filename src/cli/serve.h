#pragma once

#include <string>
#include <vector>

#include "config/flags.h"
#include "gateway/settings.h"

namespace parley::cli {

// Runs the gateway and tells the terminal what it does. `flags` are what the settings were read
// from, and are read again; `command` is how this program was called. The exit status of the
// process.
int serve(gateway::Settings settings, const config::Flags& flags, std::vector<std::string> command);

}  // namespace parley::cli
