#pragma once

#include "cli/arguments.h"
#include "gateway/settings.h"

namespace parley::cli {

// Prints the routes of `settings`; problems go to standard error. The exit status of the process.
int print_routes(const gateway::Settings& settings, const Arguments& arguments);

}  // namespace parley::cli
