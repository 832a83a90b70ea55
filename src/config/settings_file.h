#pragma once

#include <string>
#include <string_view>

#include "contract/problem.h"
#include "gateway/settings.h"

namespace parley::config {

// Puts what a YAML text says over the settings. `file` is for problems and for relative paths.
void read_settings(std::string_view text, const std::string& file, gateway::Settings& settings,
                   contract::Problems& problems);

// The same from a file on disk.
void read_settings_file(const std::string& file, gateway::Settings& settings,
                        contract::Problems& problems);

}  // namespace parley::config
