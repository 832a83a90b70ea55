#include "gateway/request_path.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/catalogue.h"
#include "service/builtin_contract.h"

namespace parley::gateway {

// The path of a request, from the outside in. Each layer calls the one below it.
RequestPath::RequestPath(loop::Loop& loop, Shelf& shelf, const ListenerSettings& listener,
                         const net::Address& address, const edge::HostSettings& admin_hosts,
                         observe::Metrics& metrics, edge::LogSink& log)
    : shelf_(shelf),
      serve_(listener.serve),
      // The doors turn exchanges into calls; below them the catalogue sends each call to its
      // upstream.
      doors_(loop),
      // What operators see must not be reachable through a browser's back (DNS rebinding).
      host_guard_(doors_, address, admin_hosts),
      // Outermost, so that everything that came in is counted and logged once, refusals too.
      access_log_(loop, add_layers(listener), metrics, &log),
      entrance_(&access_log_) {}

// What stands between log and doors on this listener only: from the inside out.
http::ExchangeService& RequestPath::add_layers(const ListenerSettings& listener) {
  http::ExchangeService* next = &doors_;
  if (listener.serve.admin) next = &host_guard_;
  // Nothing is served in clear text then, not even an error of a door.
  if (listener.https_port != 0) next = &https_redirect_.emplace(*next, listener.https_port);
  // Around all that answers.
  if (listener.hsts.max_age > Duration::zero()) next = &hsts_.emplace(*next, listener.hsts);
  // Before anyone asks whom a request is from.
  if (listener.forwarded.active()) next = &client_address_.emplace(*next, listener.forwarded);
  return *next;
}

void RequestPath::publish(const std::shared_ptr<const Snapshot>& snapshot) {
  doors_.publish(door::CatalogueRef(new ListenerCatalogue(snapshot, shelf_, serve_, curfew_)));
}

UpstreamAccess::UpstreamAccess(loop::Loop& loop, net::Network& network, net::Resolver& resolver,
                               const upstream::Settings& settings, loop::Signal& changed)
    : cluster(loop, network, resolver, settings), caller(cluster), tasks_(loop) {
  tasks_.spawn(pass_on(changed));
}

loop::Task<void> UpstreamAccess::pass_on(loop::Signal& to) {
  for (;;) {
    co_await cluster.changed().wait();
    to.notify();
  }
}

Shelf::Shelf(loop::Loop& loop, net::Network& network, net::Resolver& resolver, Status& status)
    : loop_(loop),
      network_(network),
      resolver_(resolver),
      status_(status),
      changed_(loop),
      health_(*this),
      reflection_(*this),
      admin_(status, status) {}

// An upstream that is reached as before keeps its connections.
void Shelf::publish(std::shared_ptr<const Snapshot> snapshot) {
  std::vector<std::shared_ptr<UpstreamAccess>> upstreams;
  for (const UpstreamSettings& upstream : snapshot->settings().upstreams) {
    const auto same = std::ranges::find_if(upstreams_, [&](const auto& one) {
      return one->cluster.settings() == upstream.connection;
    });
    upstreams.push_back(same != upstreams_.end()
                            ? *same
                            : std::make_shared<UpstreamAccess>(loop_, network_, resolver_,
                                                               upstream.connection, changed_));
  }
  snapshot_ = std::move(snapshot);
  upstreams_ = std::move(upstreams);
  changed_.notify();
}

// In the order of the newest snapshot's upstreams.
void Shelf::use(const TlsContexts& tls) {
  for (size_t i = 0; i < std::min(upstreams_.size(), tls.upstreams.size()); ++i)
    upstreams_[i]->cluster.use(tls.upstreams[i]);
}

void Shelf::publish(std::shared_ptr<const HealthReport> report) {
  report_ = std::move(report);
  changed_.notify();
}

call::CallService& Shelf::builtin(const contract::Service& service) {
  if (service.full_name == service::kHealthService) return health_;
  if (service.full_name == service::kAdminService) return admin_;
  return reflection_;
}

// Of upstreams that are no more, too: a reload may have taken them away.
void Shelf::update_gauges(observe::Metrics& metrics) const {
  for (const auto* series = std::as_const(metrics).upstreams().first(); series != nullptr;
       series = series->next) {
    const bool here = std::ranges::any_of(
        upstreams_, [&](const auto& one) { return one->cluster.settings().name == series->name; });
    if (here) continue;
    metrics.upstream(series->name).connections.set(0);
    metrics.upstream(series->name).streams.set(0);
  }
  for (const auto& upstream : upstreams_) {
    observe::UpstreamSeries& series = metrics.upstream(upstream->cluster.settings().name);
    series.connections.set(static_cast<int64_t>(upstream->cluster.connections()));
    series.streams.set(static_cast<int64_t>(upstream->cluster.streams()));
    const uint64_t timeouts = upstream->cluster.connect_counts().timeouts;
    const uint64_t before = std::exchange(upstream->timeouts_counted, timeouts);
    if (timeouts > before)
      metrics.count_limit(
          fmt::format("upstreams.{}.connect_timeout", upstream->cluster.settings().name),
          timeouts - before);
  }
}

service::Serving Shelf::status_of(std::string_view name) const {
  using service::Serving;
  if (status_.draining()) return Serving::NotServing;
  if (name.empty()) return Serving::Serving;
  const auto index = snapshot_ ? snapshot_->upstream_of_service(name) : std::nullopt;
  if (!index) return Serving::ServiceUnknown;
  if (!upstreams_[*index]->cluster.connected()) return Serving::NotServing;
  auto said = report_->find(name);
  if (said == report_->end())
    said = report_->find(whole_upstream(upstreams_[*index]->cluster.settings().name));
  return said == report_->end() || said->second ? Serving::Serving : Serving::NotServing;
}

std::vector<std::string> Shelf::services() const {
  std::vector<std::string> names;
  if (!snapshot_) return names;
  for (const std::string_view name : snapshot_->reflection().services()) {
    if (snapshot_->upstream_of_service(name)) names.emplace_back(name);
  }
  return names;
}

}  // namespace parley::gateway
