#pragma once

#include <string>

#include "contract/load.h"
#include "contract/problem.h"
#include "gateway/settings.h"

namespace parley::gateway {

// The contract that an upstream's settings name on disk. What is wrong with a file as a whole has
// its place in the settings. REQUIRES: they name one.
contract::Loaded load_from_disk(const UpstreamSettings& upstream,
                                const contract::LoadOptions& options);

// The same of what an upstream has told.
contract::Loaded load_told(const UpstreamSettings& upstream, contract::Source source,
                           const contract::LoadOptions& options);

}  // namespace parley::gateway
