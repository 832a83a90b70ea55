#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "contract/problem.h"
#include "gateway/settings.h"
#include "gateway/snapshot.h"

namespace parley::cli {

// What the gateway would serve, without serving: every contract loaded once, from disk or from its
// upstream.
struct Preview {
  // Of the contracts that could be had.
  std::shared_ptr<const gateway::Snapshot> snapshot;
  std::vector<contract::Problem> problems;
};

// How long upstreams have to tell their contracts.
inline constexpr Duration kAskLimit = std::chrono::seconds(10);

// Asks upstreams, all at the same time, for at most `limit`.
Preview preview(const gateway::Settings& settings, Duration limit = kAskLimit);

// The problems of the contracts on disk alone: for settings that are wrong themselves.
std::vector<contract::Problem> problems_on_disk(const gateway::Settings& settings);

}  // namespace parley::cli
