#include "gateway/request_path.h"

#include <algorithm>

#include "gateway/catalogue.h"
#include "service/builtin_contract.h"

namespace parley::gateway {

// The path of a request, from the outside in. Each layer calls the one below it.
RequestPath::RequestPath(loop::Loop& loop, Shelf& shelf, const ListenerSettings& listener,
                         const net::Address& address, const Settings& settings,
                         observe::Metrics& metrics, edge::LogSink* log)
    : shelf_(shelf),
      serve_(listener.serve),
      // The doors turn exchanges into calls; below them the catalogue sends each call to its
      // upstream.
      doors_(loop),
      // What operators see must not be reachable through a browser's back (DNS rebinding).
      host_guard_(doors_, address, settings.admin_hosts),
      // Outermost, so that everything that came in is counted and logged once, refusals too.
      access_log_(loop, add_layers(listener), metrics, log),
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
  doors_.publish(door::CatalogueRef(new ListenerCatalogue(snapshot, shelf_, serve_)));
}

Shelf::Shelf(loop::Loop& loop, net::Network& network, net::Resolver& resolver,
             const Settings& settings, Status& status)
    : status_(status),
      changed_(loop),
      health_(*this),
      reflection_(*this),
      admin_(status, status),
      tasks_(loop) {
  for (const UpstreamSettings& upstream : settings.upstreams) {
    clusters_.push_back(
        std::make_unique<upstream::Cluster>(loop, network, resolver, upstream.connection));
    callers_.push_back(std::make_unique<upstream::GrpcCaller>(*clusters_.back()));
    tasks_.spawn(pass_on(clusters_.back()->changed()));
  }
}

void Shelf::publish(std::shared_ptr<const Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  changed_.notify();
}

void Shelf::use(const TlsContexts& tls) {
  for (size_t i = 0; i < clusters_.size(); ++i) clusters_[i]->use(tls.upstreams[i]);
}

void Shelf::publish(std::shared_ptr<const HealthReport> report) {
  report_ = std::move(report);
  changed_.notify();
}

call::CallService& Shelf::service_for(const Snapshot& snapshot, const contract::Method& method) {
  const contract::Service& owner = *method.service;
  if (owner.contract != &service::builtin_contract())
    return *callers_[snapshot.upstream_of(method)];
  if (owner.full_name == service::kHealthService) return health_;
  if (owner.full_name == service::kAdminService) return admin_;
  return reflection_;
}

void Shelf::update_gauges(observe::Metrics& metrics) const {
  for (const auto& cluster : clusters_) {
    observe::UpstreamSeries& series = metrics.upstream(cluster->settings().name);
    series.connections.set(static_cast<int64_t>(cluster->connections()));
    series.streams.set(static_cast<int64_t>(cluster->streams()));
  }
}

service::Serving Shelf::status_of(std::string_view name) const {
  using service::Serving;
  if (status_.draining()) return Serving::NotServing;
  if (name.empty()) return Serving::Serving;
  const auto index = snapshot_ ? snapshot_->upstream_of_service(name) : std::nullopt;
  if (!index) return Serving::ServiceUnknown;
  if (!clusters_[*index]->connected()) return Serving::NotServing;
  auto said = report_->find(name);
  if (said == report_->end()) said = report_->find(whole_upstream(*index));
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

loop::Task<void> Shelf::pass_on(loop::Signal& from) {
  for (;;) {
    co_await from.wait();
    changed_.notify();
  }
}

}  // namespace parley::gateway
