#include "upstream/cluster.h"

#include <algorithm>

#include "loop/combine.h"

namespace parley::upstream {

Cluster::Cluster(loop::Loop& loop, net::Network& network, net::Resolver& resolver,
                 Settings settings)
    : loop_(loop),
      network_(network),
      resolver_(resolver),
      settings_(std::move(settings)),
      changed_(loop),
      tasks_(loop) {
  for (const std::string& text : settings_.endpoints) add_target(text);
  if (!settings_.authority.empty()) authority_ = settings_.authority;
  update_endpoints();
  tasks_.spawn(keep_resolving());
}

Cluster::~Cluster() = default;

void Cluster::add_target(const std::string& text) {
  constexpr std::string_view kDns = "dns:///";
  const std::string_view rest =
      text.starts_with(kDns) ? std::string_view(text).substr(kDns.size()) : text;
  Target target;
  if (auto literal = net::Address::parse(rest)) {
    target.literal = *literal;
    target.resolved = {*literal};
    // gRPC's convention for a Unix socket's authority.
    if (authority_.empty()) authority_ = literal->is_unix() ? "localhost" : std::string(rest);
  } else if (auto name = net::split_host_port(rest)) {
    target.host = name->host;
    target.port = name->port;
    if (authority_.empty()) authority_ = rest;
  } else {
    config_error_ = name.error().message();
    return;
  }
  targets_.push_back(std::move(target));
}

loop::Task<void> Cluster::keep_resolving() {
  for (;;) {
    for (Target& target : targets_) {
      if (!target.host.empty()) co_await resolve(target);
    }
    resolved_once_ = true;
    update_endpoints();
    changed_.notify();
    const bool named = std::any_of(targets_.begin(), targets_.end(),
                                   [](const Target& t) { return !t.host.empty(); });
    if (!named) co_return;
    const bool failing = std::any_of(targets_.begin(), targets_.end(),
                                     [](const Target& t) { return !t.error.empty(); });
    co_await loop::sleep_for(loop_,
                             failing ? std::min(settings_.resolve_interval, settings_.backoff_max)
                                     : settings_.resolve_interval);
  }
}

loop::Task<void> Cluster::resolve(Target& target) {
  auto addresses =
      co_await loop::with_deadline(loop_, resolver_.resolve(target.host, target.port),
                                   deadline_after(loop_.now(), settings_.connect_timeout));
  if (addresses) {
    target.resolved = *std::move(addresses);
    target.error.clear();
  } else {
    // The addresses that were good a moment ago stay.
    const Failure& error = addresses.error();
    target.error = "cannot resolve " + target.host + ": " + error.message();
    if (error.reason() == Reason::DeadlineExpired)
      target.error += " (limit " + settings_.key("connect_timeout") + ")";
  }
}

// The name that an endpoint's certificate has to be for: that by which it was found.
std::string Cluster::tls_name_of(const Target& target) const {
  if (!settings_.tls.server_name.empty()) return settings_.tls.server_name;
  if (!target.host.empty()) return target.host;
  return target.literal.is_unix() ? "localhost" : target.literal.host_text();
}

void Cluster::update_endpoints() {
  std::vector<net::Address> wanted;
  std::vector<std::string> names;
  for (const Target& target : targets_) {
    for (const net::Address& address : target.resolved) {
      if (std::find(wanted.begin(), wanted.end(), address) != wanted.end()) continue;
      wanted.push_back(address);
      names.push_back(tls_name_of(target));
    }
  }
  std::erase_if(retiring_, [](const auto& endpoint) { return endpoint->streams() == 0; });
  for (auto& endpoint : endpoints_) {
    if (std::find(wanted.begin(), wanted.end(), endpoint->address()) != wanted.end()) continue;
    endpoint->drain();
    retiring_.push_back(std::move(endpoint));
  }
  std::erase(endpoints_, nullptr);
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto same = [&](const auto& endpoint) { return endpoint->address() == wanted[i]; };
    if (std::any_of(endpoints_.begin(), endpoints_.end(), same)) continue;
    endpoints_.push_back(std::make_unique<Endpoint>(loop_, network_, settings_, tls_, wanted[i],
                                                    std::move(names[i]), changed_,
                                                    connect_counts_));
  }
}

Lease Cluster::try_acquire(const Lease& avoid) {
  const size_t count = endpoints_.size();
  for (const bool other_endpoint : {true, false}) {
    for (size_t i = 0; i < count; ++i) {
      Endpoint& endpoint = *endpoints_[(next_ + i) % count];
      if (other_endpoint && &endpoint == avoid.endpoint) continue;
      if (auto* connection = endpoint.available(avoid.connection)) {
        next_ = (next_ + i + 1) % count;
        return {connection, &endpoint};
      }
    }
    if (!avoid.endpoint) break;
  }
  return {};
}

loop::Task<Result<Lease>> Cluster::acquire(const Lease& avoid) {
  if (const Lease lease = try_acquire(avoid); lease.connection) co_return lease;
  if (pending_ >= settings_.pending_max) {
    co_return Failure::limit(settings_.key("pending_max"),
                             "too many calls wait for upstream " + settings_.name)
        .take();
  }
  struct Waiting {
    explicit Waiting(size_t& count) : count_(count) { ++count_; }
    ~Waiting() { --count_; }
    size_t& count_;
  } const waiting(pending_);
  for (;;) {
    bool growing = !resolved_once_;
    for (const auto& endpoint : endpoints_) growing = endpoint->grow() || growing;
    // Nothing else will come: rather the one that has just refused than none.
    if (!growing) {
      if (const Lease lease = try_acquire({}); lease.connection) co_return lease;
    }
    if (!hopeful()) {
      co_return Failure(Reason::UpstreamUnavailable,
                        "upstream " + settings_.name + " cannot be reached")
          .with_detail(trouble())
          .take();
    }
    co_await changed_.wait();
    if (const Lease lease = try_acquire(avoid); lease.connection) co_return lease;
  }
}

// Whether waiting makes sense: a name is being looked up, a connection is being made, or one is
// full.
bool Cluster::hopeful() const {
  if (!resolved_once_ && !targets_.empty()) return true;
  return std::any_of(endpoints_.begin(), endpoints_.end(), [](const auto& endpoint) {
    return endpoint->connecting() || endpoint->connected();
  });
}

bool Cluster::connected() const {
  return std::any_of(endpoints_.begin(), endpoints_.end(),
                     [](const auto& endpoint) { return endpoint->connected(); });
}

std::string Cluster::trouble() const {
  if (!config_error_.empty()) return config_error_;
  std::string all;
  for (const Target& target : targets_) {
    if (target.resolved.empty() && !target.error.empty())
      all += (all.empty() ? "" : "; ") + target.error;
  }
  for (const auto& endpoint : endpoints_) {
    const std::string& error = endpoint->last_error();
    if (endpoint->connected() || error.empty()) continue;
    if (!all.empty()) all += "; ";
    if (error.find(endpoint->name()) == std::string::npos) all += endpoint->name() + ": ";
    all += error;
  }
  return all.empty() ? "not connected yet" : all;
}

uint32_t Cluster::metadata_bytes_max() const {
  uint32_t least = UINT32_MAX;
  for (const auto& endpoint : endpoints_) least = std::min(least, endpoint->header_bytes_max());
  return least == UINT32_MAX ? settings_.metadata_bytes_max : least;
}

size_t Cluster::connections() const {
  return static_cast<size_t>(
      std::count_if(endpoints_.begin(), endpoints_.end(),
                    [](const auto& endpoint) { return endpoint->connected(); }));
}

size_t Cluster::streams() const {
  size_t all = 0;
  for (const auto& endpoint : endpoints_) all += endpoint->streams();
  return all;
}

}  // namespace parley::upstream
