#pragma once

#include <span>
#include <vector>

#include "contract/problem.h"
#include "gateway/settings.h"

namespace parley::cli {

// Contracts know their files by the names that imports use. Puts in their place the paths where the
// files are, so that an editor finds them; a name that fits none or two of them stays.
void place_on_disk(std::span<contract::Problem> problems,
                   const std::vector<gateway::UpstreamSettings>& upstreams);

}  // namespace parley::cli
