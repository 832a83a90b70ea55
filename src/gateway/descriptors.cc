#include "gateway/descriptors.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <sys/resource.h>

namespace parley::gateway {
namespace {

// Loops, listeners, logs, and what comes and goes: names that are looked up, files that are read,
// operators, connections that end while others begin.
constexpr uint64_t kOwn = 32;
constexpr uint64_t kOwnOfThread = 8;

// A name that stands for many addresses counts as one.
uint64_t upstream_connections(const Settings& settings) {
  uint64_t all = 0;
  for (const UpstreamSettings& one : settings.upstreams)
    all += uint64_t{one.connection.endpoints.size()} * one.connection.connections_max;
  return all * std::max<uint64_t>(settings.threads, 1);
}

uint64_t needed_beside_clients(const Settings& settings) {
  return kOwn + kOwnOfThread * settings.threads + upstream_connections(settings);
}

}  // namespace

uint64_t descriptors_kept(const Settings& settings, uint64_t limit) {
  return std::min(needed_beside_clients(settings), limit / 2);
}

std::optional<contract::Problem> descriptors_short(const Settings& settings, uint64_t limit) {
  const uint64_t clients = limit - descriptors_kept(settings, limit);
  if (settings.connections_max <= clients) return std::nullopt;
  contract::Problem problem;
  problem.severity = contract::Problem::Severity::Warning;
  problem.what = fmt::format(
      "connections_max ({}), the upstreams' connections (up to {}) and what Parley needs itself do "
      "not fit into the {} files that the process may open: there is room for {} clients",
      settings.connections_max, upstream_connections(settings), limit, clients);
  problem.remedy = fmt::format(
      "allow {} (LimitNOFILE= of systemd, ulimit -Hn), or set connections_max to {} at most",
      settings.connections_max + needed_beside_clients(settings), clients);
  return problem;
}

uint64_t descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<uint64_t>::max();
  return limit.rlim_cur;
}

}  // namespace parley::gateway
