#pragma once

#include <vector>

#include "config/flags.h"
#include "contract/problem.h"
#include "gateway/settings.h"

namespace parley::config {

struct Loaded {
  gateway::Settings settings;  // to be used only if no problem is an error
  std::vector<contract::Problem> problems;
  // Whether the command line alone is to blame for the errors, not the file.
  bool flags_only = false;
};

// The file that --config names, the flags over it, and the whole checked: all problems at once.
Loaded load(const Flags& flags);

}  // namespace parley::config
