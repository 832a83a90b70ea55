#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "door/door.h"
#include "edge/access_log.h"
#include "edge/client_address.h"
#include "edge/host_guard.h"
#include "edge/hsts.h"
#include "edge/https_redirect.h"
#include "gateway/health_keeper.h"
#include "gateway/settings.h"
#include "gateway/snapshot.h"
#include "gateway/status.h"
#include "gateway/tls_keeper.h"
#include "service/admin.h"
#include "service/health.h"
#include "service/reflection.h"
#include "upstream/cluster.h"
#include "upstream/grpc_caller.h"

namespace parley::gateway {

// One upstream as a shard reaches it. It lives as long as a catalogue refers to it: after a reload
// that has changed or removed it, until the last of its calls is over.
struct UpstreamAccess {
  UpstreamAccess(loop::Loop& loop, net::Network& network, net::Resolver& resolver,
                 const upstream::Settings& settings, loop::Signal& changed);

  upstream::Cluster cluster;
  upstream::GrpcCaller caller;
  uint64_t timeouts_counted = 0;  // of connecting

 private:
  loop::Task<void> pass_on(loop::Signal& to);
  loop::TaskSet tasks_;
};

// What a shard's request paths share: the upstreams' connections and Parley's own services.
class Shelf final : public service::HealthSource, public service::ReflectionSource {
 public:
  Shelf(loop::Loop& loop, net::Network& network, net::Resolver& resolver, Status& status);

  void publish(std::shared_ptr<const Snapshot> snapshot);
  void publish(std::shared_ptr<const HealthReport> report);
  void use(const TlsContexts& tls);
  // Of the newest snapshot, in the order of its settings.
  const std::vector<std::shared_ptr<UpstreamAccess>>& upstreams() const { return upstreams_; }
  // One of Parley's own services. REQUIRES: it is of the built-in contract.
  call::CallService& builtin(const contract::Service& service);
  void update_gauges(observe::Metrics& metrics) const;

  service::Serving status_of(std::string_view service) const override;
  std::vector<std::string> services() const override;
  loop::Signal& changed() override { return changed_; }
  const service::ReflectionIndex& reflection() const override { return snapshot_->reflection(); }

 private:
  loop::Loop& loop_;
  net::Network& network_;
  net::Resolver& resolver_;
  Status& status_;
  loop::Signal changed_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const HealthReport> report_ = std::make_shared<HealthReport>();
  std::vector<std::shared_ptr<UpstreamAccess>> upstreams_;
  service::Health health_;
  service::Reflection reflection_;
  service::Admin admin_;
};

// The layers that a request of one listener passes, from the edge to the doors; the doors go on to
// the policies and upstreams of the shelf.
class RequestPath {
 public:
  // All are borrowed for the path's life; `address` is where the listener is bound.
  RequestPath(loop::Loop& loop, Shelf& shelf, const ListenerSettings& listener,
              const net::Address& address, const edge::HostSettings& admin_hosts,
              observe::Metrics& metrics, edge::LogSink& log);

  http::ExchangeService& entrance() { return *entrance_; }
  void publish(const std::shared_ptr<const Snapshot>& snapshot);
  const door::Counts& counts() const { return doors_.counts(); }
  // Ends the calls that came in here and still run.
  loop::Curfew& curfew() { return curfew_; }

 private:
  http::ExchangeService& add_layers(const ListenerSettings& listener);

  Shelf& shelf_;
  const Serve serve_;
  loop::Curfew curfew_;
  door::Doors doors_;
  edge::HostGuard host_guard_;
  std::optional<edge::HttpsRedirect> https_redirect_;
  std::optional<edge::Hsts> hsts_;
  std::optional<edge::ClientAddress> client_address_;
  edge::AccessLog access_log_;
  http::ExchangeService* entrance_;
};

}  // namespace parley::gateway
