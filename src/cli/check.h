#pragma once

#include "config/settings.h"

namespace parley::cli {

// Reports every problem of the settings and of the contracts that they name, or that there is none.
// The exit status of the process.
int check(config::Loaded config);

}  // namespace parley::cli
