#include "gateway/health_keeper.h"

namespace parley::gateway {

std::string whole_upstream(size_t index) { return "#" + std::to_string(index); }

void HealthKeeper::watch(size_t index, const Snapshot& snapshot, upstream::Cluster& cluster) {
  std::vector<std::string> services{""};
  for (const std::string_view service : snapshot.reflection().services()) {
    if (snapshot.upstream_of_service(service) == index && services.size() <= kWatchedMax)
      services.emplace_back(service);
  }
  Watched& watched = upstreams_[index];
  if (watched.services == services) return;
  watched.tasks = std::make_unique<loop::TaskSet>(changed_.loop());
  watched.watches.clear();
  for (const std::string& service : services) {
    watched.watches.push_back(std::make_unique<upstream::HealthWatch>(cluster, service, changed_));
    watched.tasks->spawn(watched.watches.back()->run());
  }
  watched.services = std::move(services);
  changed_.notify();  // what was said of the services before is no longer in the report
}

std::shared_ptr<const HealthReport> HealthKeeper::report() const {
  auto report = std::make_shared<HealthReport>();
  for (const auto& [index, watched] : upstreams_) {
    for (const auto& watch : watched.watches) {
      if (!watch->serving()) continue;
      report->emplace(watch->service().empty() ? whole_upstream(index) : watch->service(),
                      *watch->serving());
    }
  }
  return report;
}

}  // namespace parley::gateway
