#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/snapshot.h"
#include "loop/task_set.h"
#include "upstream/health_watch.h"

namespace parley::gateway {

// What the upstreams say of their services, by full name; "#NAME" is an upstream as a whole. A
// service that is not here is healthy while its upstream is connected.
using HealthReport = std::map<std::string, bool, std::less<>>;
std::string whole_upstream(std::string_view name);

// Watches the health of the upstreams' exposed services, once for all shards, on the control
// thread.
class HealthKeeper {
 public:
  // Services that are watched, of one upstream; the rest are as the upstream as a whole is.
  static constexpr size_t kWatchedMax = 100;

  explicit HealthKeeper(loop::Loop& loop) : changed_(loop) {}

  // Watches what `snapshot` exposes of upstream `index`, in place of what was watched before.
  void watch(size_t index, const Snapshot& snapshot, upstream::Cluster& cluster);
  // Lets go of every upstream that is watched by way of this cluster.
  void forget(const upstream::Cluster& cluster);

  std::shared_ptr<const HealthReport> report() const;
  loop::Signal& changed() { return changed_; }

 private:
  struct Watched {
    const upstream::Cluster* cluster = nullptr;
    std::vector<std::string> services;
    std::vector<std::unique_ptr<upstream::HealthWatch>> watches;
    std::unique_ptr<loop::TaskSet> tasks;  // destroyed first
  };

  loop::Signal changed_;
  std::map<std::string, Watched> upstreams_;  // by name
};

}  // namespace parley::gateway
