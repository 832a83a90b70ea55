#pragma once

#include <cstdint>
#include <optional>

#include "contract/problem.h"
#include "gateway/settings.h"

namespace parley::gateway {

// Of the `limit` descriptors that the process may have open, how many clients never get: for
// connections to the upstreams, the operators', names, and files that are read again. At most half.
uint64_t descriptors_kept(const Settings& settings, uint64_t limit);

// A warning where `connections_max` clients find no descriptors.
std::optional<contract::Problem> descriptors_short(const Settings& settings, uint64_t limit);

// The most that this process may have open (RLIMIT_NOFILE).
uint64_t descriptor_limit();

}  // namespace parley::gateway
