#include "gateway/health_keeper.h"

namespace parley::gateway {

std::string whole_upstream(std::string_view name) { return "#" + std::string(name); }

void HealthKeeper::watch(size_t index, const Snapshot& snapshot, upstream::Cluster& cluster) {
  std::vector<std::string> services{""};
  for (const std::string_view service : snapshot.reflection().services()) {
    if (snapshot.upstream_of_service(service) == index && services.size() <= kWatchedMax)
      services.emplace_back(service);
  }
  Watched& watched = upstreams_[cluster.settings().name];
  if (watched.services == services && watched.cluster == &cluster) return;
  watched.cluster = &cluster;
  watched.tasks = std::make_unique<loop::TaskSet>(changed_.loop());
  watched.watches.clear();
  for (const std::string& service : services) {
    watched.watches.push_back(std::make_unique<upstream::HealthWatch>(cluster, service, changed_));
    watched.tasks->spawn(watched.watches.back()->run());
  }
  watched.services = std::move(services);
  changed_.notify();  // what was said of the services before is no longer in the report
}

void HealthKeeper::forget(const upstream::Cluster& cluster) {
  if (std::erase_if(upstreams_, [&](const auto& one) { return one.second.cluster == &cluster; }))
    changed_.notify();
}

std::shared_ptr<const HealthReport> HealthKeeper::report() const {
  auto report = std::make_shared<HealthReport>();
  for (const auto& [name, watched] : upstreams_) {
    for (const auto& watch : watched.watches) {
      if (!watch->serving()) continue;
      report->emplace(watch->service().empty() ? whole_upstream(name) : watch->service(),
                      *watch->serving());
    }
  }
  return report;
}

}  // namespace parley::gateway
