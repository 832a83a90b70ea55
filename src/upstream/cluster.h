#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "loop/loop.h"
#include "loop/task_set.h"
#include "net/network.h"
#include "upstream/endpoint.h"
#include "upstream/settings.h"

namespace parley::upstream {

// A connection that takes a stream now. Valid until the next wait.
struct Lease {
  http::ClientConnection* connection = nullptr;
  Endpoint* endpoint = nullptr;
};

// One upstream on one shard: its endpoints, found by name, and which of them serves the next call
// (round robin over those that are connected).
class Cluster {
 public:
  // All are borrowed for the cluster's life. Where the settings want TLS, nothing connects before
  // `use`.
  Cluster(loop::Loop& loop, net::Network& network, net::Resolver& resolver, Settings settings);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster();

  // What new connections are made with; those that are there stay.
  void use(net::TlsClientContext tls) { tls_ = std::move(tls); }

  // A connection with a free stream, waiting for one while there is hope. `avoid`: the connection
  // that has just refused; another endpoint is preferred, then a new connection. Failures:
  // UpstreamUnavailable (no endpoint can be reached: says why), limit upstreams.NAME.pending_max.
  loop::Task<Result<Lease>> acquire(const Lease& avoid);
  // The same without waiting; a null connection: none is free now.
  Lease try_acquire(const Lease& avoid);

  const Settings& settings() const { return settings_; }
  const std::string& authority() const { return authority_; }
  bool connected() const;
  std::string trouble() const;  // why it is not connected, for people
  uint32_t metadata_bytes_max() const;
  loop::Signal& changed() { return changed_; }
  loop::Loop& loop() { return loop_; }

  size_t connections() const;
  size_t streams() const;
  const ConnectCounts& connect_counts() const { return connect_counts_; }

 private:
  struct Target {
    std::string host;  // empty: `literal`
    uint16_t port = 0;
    net::Address literal;
    std::vector<net::Address> resolved;
    std::string error;
  };

  void add_target(const std::string& text);
  loop::Task<void> keep_resolving();
  loop::Task<void> resolve(Target& target);
  void update_endpoints();
  std::string tls_name_of(const Target& target) const;
  bool hopeful() const;

  loop::Loop& loop_;
  net::Network& network_;
  net::Resolver& resolver_;
  const Settings settings_;
  net::TlsClientContext tls_;
  std::string authority_;
  loop::Signal changed_;
  std::vector<Target> targets_;
  bool resolved_once_ = false;
  std::string config_error_;  // an endpoint that cannot be read
  ConnectCounts connect_counts_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::vector<std::unique_ptr<Endpoint>> retiring_;  // gone from the name; their last streams run
  size_t next_ = 0;
  size_t pending_ = 0;
  loop::TaskSet tasks_;
};

}  // namespace parley::upstream
