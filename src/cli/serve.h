#pragma once

#include "gateway/settings.h"

namespace parley::cli {

// Runs the gateway and tells the terminal what it does. The exit status of the process.
int serve(gateway::Settings settings);

}  // namespace parley::cli
