#include "gateway/shard.h"

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "gateway/descriptors.h"
#include "gateway/refuse_connection.h"
#include "loop/combine.h"
#include "net/net_failure.h"
#include "net/proxy_protocol.h"
#include "net/tls_stream.h"

namespace parley::gateway {
namespace {

constexpr Duration kGaugeInterval = std::chrono::seconds(1);
constexpr Duration kDrainInterval = std::chrono::milliseconds(20);
// For answers to calls that the drain has ended.
constexpr Duration kLastWords = std::chrono::seconds(1);
// Of a listener under load, which never has an empty queue.
constexpr int kLastTurns = 50;
// So many connections beyond a limit are told so at a time; others are reset.
constexpr size_t kTurnedAwayMax = 64;

// Whether connections of one may go on under the other.
bool is_same_entrance(const ListenerPlan& a, const ListenerPlan& b) {
  const auto said = [](const ListenerSettings& one) {
    return std::tie(one.serve, one.proxy_from, one.forwarded, one.hsts, one.https_port);
  };
  return a.open == b.open && said(a.settings) == said(b.settings) && a.admin_hosts == b.admin_hosts;
}

// What tells of a drain as long as it lasts.
bool is_for_operators(const ListenerPlan& plan) { return plan.settings.serve.for_operators(); }

}  // namespace

Shard::Entrance::Entrance(Shard& shard, ListenerPlan from)
    : plan(std::move(from)),
      limited(!plan.settings.serve.admin),
      path(shard.loop_, shard.shelf_, plan.settings, plan.open->address, plan.admin_hosts,
           shard.metrics_, shard.log_),
      drain(shard.loop_),
      context{shard.loop_, path.entrance(),
              is_for_operators(plan) ? shard.operators_http_ : shard.http_, drain, &shard.metrics_},
      connections(shard.loop_),
      turned_away(shard.loop_),
      accepting(shard.loop_) {}

// What a shard has of its own where nothing is simulated.
struct Shard::Machine {
  explicit Machine(uint64_t seed)
      : poller(loop::make_epoll_poller()),
        loop(clock, *poller, seed),
        network(net::make_socket_network(loop)),
        resolver(net::make_resolver(loop)) {}

  SystemClock clock;
  std::unique_ptr<loop::Poller> poller;
  loop::Loop loop;
  std::unique_ptr<net::Network> network;
  std::unique_ptr<net::Resolver> resolver;
};

Shard::Shard(std::shared_ptr<const Settings> settings, Status& status, ClientCounts& clients,
             Notices& notices, Surroundings surroundings, size_t index, size_t shards)
    : index_(index),
      shards_(shards),
      settings_(std::move(settings)),
      http_(settings_->http),
      clients_(clients),
      notices_(notices),
      loop_(surroundings.loop),
      network_(surroundings.network),
      resolver_(surroundings.resolver),
      drained_(std::move(surroundings.drained)),
      log_(loop_, std::move(surroundings.log), settings_->log, metrics_.log_lines_dropped),
      shelf_(loop_, network_, resolver_, status),
      admin_ended_(loop_),
      retiring_(loop_),
      chores_(loop_) {
  status.add(metrics_);
}

Shard::Shard(std::shared_ptr<const Settings> settings, Status& status, ClientCounts& clients,
             Notices& notices, uint64_t seed, size_t index, size_t shards)
    : Shard(std::move(settings), status, clients, notices, std::make_unique<Machine>(seed), index,
            shards) {}

Shard::Shard(std::shared_ptr<const Settings> settings, Status& status, ClientCounts& clients,
             Notices& notices, std::unique_ptr<Machine> machine, size_t index, size_t shards)
    : Shard(std::move(settings), status, clients, notices,
            {.loop = machine->loop,
             .network = *machine->network,
             .resolver = *machine->resolver,
             .log = edge::log_to_descriptor(STDOUT_FILENO),
             .drained = [&loop = machine->loop] { loop.stop(); }},
            index, shards) {
  machine_ = std::move(machine);
}

Shard::Shard(std::shared_ptr<const Settings> settings, Status& status, ClientCounts& clients,
             Notices& notices, Surroundings surroundings)
    : Shard(std::move(settings), status, clients, notices, std::move(surroundings), 0, 1) {}

Shard::~Shard() {
  join();
  end();
}

void Shard::start() {
  chores_.spawn(keep_gauges());
  if (!machine_) return;
  thread_ = std::thread([this] {
    loop_.run();
    end();
  });
}

// Coroutines end on the thread that ran them.
void Shard::end() {
  chores_.cancel_all();
  retiring_.cancel_all();
  retired_.clear();
  entrances_.clear();
}

void Shard::join() {
  if (thread_.joinable()) thread_.join();
}

void Shard::listen(std::vector<ListenerPlan> plans) {
  loop_.post([this, plans = std::move(plans)]() mutable { plan_entrances(std::move(plans)); });
}

void Shard::plan_entrances(std::vector<ListenerPlan> plans) {
  std::vector<std::unique_ptr<Entrance>> before = std::exchange(entrances_, {});
  for (ListenerPlan& plan : plans) {
    // The admin's few requests need one shard only.
    if (plan.settings.serve.admin && index_ > 0) continue;
    const auto same = std::ranges::find_if(
        before, [&](const auto& one) { return one && is_same_entrance(one->plan, plan); });
    if (same == before.end()) {
      entrances_.push_back(open(std::move(plan)));
    } else {
      (*same)->plan.settings.tls = std::move(plan.settings.tls);
      (*same)->plan.settings.proxy_timeout = plan.settings.proxy_timeout;
      (*same)->plan.tls = std::move(plan.tls);
      entrances_.push_back(std::move(*same));
    }
  }
  for (auto& entrance : before) {
    if (!entrance) continue;
    retired_.push_back(std::move(entrance));
    retiring_.spawn(retire(*retired_.back()));
  }
}

std::unique_ptr<Shard::Entrance> Shard::open(ListenerPlan plan) {
  auto entrance = std::make_unique<Entrance>(*this, std::move(plan));
  const OpenListener& open = *entrance->plan.open;
  const size_t shards = entrance->plan.settings.serve.admin ? 1 : shards_;
  // Operators get in when clients have taken all that they may have.
  const uint64_t kept = entrance->limited ? descriptors_kept(*settings_, descriptor_limit()) : 0;
  for (const int descriptor : open.descriptors_of(index_, shards)) {
    auto listener =
        network_.listen(open.address, {.shared_descriptor = descriptor, .descriptors_kept = kept});
    // Only for want of descriptors; those that were shared before it serve.
    if (listener) entrance->listeners.push_back(*std::move(listener));
  }
  if (snapshot_) entrance->path.publish(snapshot_);
  if (accepting_) begin_accepting(*entrance);
  return entrance;
}

void Shard::begin_accepting() {
  loop_.post([this] {
    accepting_ = true;
    for (const auto& entrance : entrances_) begin_accepting(*entrance);
  });
}

void Shard::begin_accepting(Entrance& entrance) {
  for (const auto& listener : entrance.listeners)
    entrance.accepting.spawn(accept(entrance, *listener));
}

void Shard::publish(std::shared_ptr<const Snapshot> snapshot, const TlsContexts& tls) {
  loop_.post([this, snapshot = std::move(snapshot), tls] {
    snapshot_ = snapshot;
    apply(snapshot->shared_settings());
    shelf_.publish(snapshot);
    shelf_.use(tls);
    for (const auto& entrance : entrances_) entrance->path.publish(snapshot);
  });
}

void Shard::apply(std::shared_ptr<const Settings> settings) {
  if (settings == settings_) return;
  settings_ = std::move(settings);
  http_ = settings_->http;
  log_.configure(settings_->log);
}

void Shard::publish(std::shared_ptr<const HealthReport> report) {
  loop_.post([this, report = std::move(report)] { shelf_.publish(report); });
}

loop::Task<void> Shard::accept(Entrance& entrance, net::Listener& listener) {
  for (;;) {
    auto stream = co_await listener.accept();
    if (!stream) co_return;
    ++entrance.accepted;
    metrics_.client_connections_total.add(1);
    if (!entrance.limited) {
      entrance.connections.spawn(serve(*std::move(stream), entrance));
    } else if (auto place = clients_.connections.take(settings_->connections_max)) {
      entrance.connections.spawn(serve_counted(*std::move(place), *std::move(stream), entrance));
    } else {
      turn_away(*std::move(stream), entrance, "connections_max", entrance.plain());
    }
    relief_.saw(connections());
  }
}

// The place is given back with the coroutine's frame.
loop::Task<void> Shard::serve_counted(ConnectionCount::Place /*place*/,
                                      std::unique_ptr<net::ByteStream> stream, Entrance& entrance) {
  co_await serve(std::move(stream), entrance);
}

loop::Task<void> Shard::serve(std::unique_ptr<net::ByteStream> stream, Entrance& entrance) {
  if (!entrance.plain() || counts_addresses(entrance))
    return serve_prepared(std::move(stream), entrance);
  return http::serve_connection(std::move(stream), entrance.context);
}

bool Shard::counts_addresses(const Entrance& entrance) const {
  return entrance.limited && settings_->connections_per_address_max > 0;
}

// What comes before HTTP: the header of a balancer, the client's place among those of its address,
// and the handshake of TLS.
loop::Task<void> Shard::serve_prepared(std::unique_ptr<net::ByteStream> stream,
                                       Entrance& entrance) {
  const ListenerSettings& settings = entrance.plan.settings;
  if (!settings.proxy_from.empty()) {
    stream = co_await take_proxy_header(std::move(stream), entrance);
    if (!stream) co_return;
  }
  const bool secure = !settings.tls.certificates.empty();
  const bool counts = counts_addresses(entrance);
  const auto place = counts ? clients_.addresses.take(stream->peer()) : std::nullopt;
  if (counts && !place) {
    turn_away(std::move(stream), entrance, "connections_per_address_max", !secure);
    co_return;
  }
  if (secure) stream = co_await secure_stream(std::move(stream), entrance);
  if (stream) co_await http::serve_connection(std::move(stream), entrance.context);
}

// Null: it went wrong, and is counted; or a drain has ended it.
loop::Task<std::unique_ptr<net::ByteStream>> Shard::take_proxy_header(
    std::unique_ptr<net::ByteStream> stream, Entrance& entrance) {
  const ListenerSettings& settings = entrance.plan.settings;
  const net::Address peer = stream->peer();
  const Instant deadline = deadline_after(loop_.now(), settings.proxy_timeout);
  auto told = co_await loop::with_deadline(
      loop_, net::take_proxy_header(std::move(stream), settings.proxy_from, deadline), kNever,
      &entrance.greetings);
  if (told) co_return *std::move(told);
  if (told.error().reason() == Reason::ShuttingDown) co_return nullptr;
  metrics_.count_proxy_failure(told.error().detail());
  tell(Notices::Kind::ProxyHeader, entrance, peer, told.error());
  co_return nullptr;
}

// Null, as above.
loop::Task<std::unique_ptr<net::ByteStream>> Shard::secure_stream(
    std::unique_ptr<net::ByteStream> stream, Entrance& entrance) {
  const net::TlsServerContext& tls = entrance.plan.tls;
  if (!tls.active()) co_return nullptr;  // not published yet
  const net::Address peer = stream->peer();
  const Instant deadline =
      deadline_after(loop_.now(), entrance.plan.settings.tls.handshake_timeout);
  std::unique_ptr<net::ByteStream> plain;
  auto secured =
      co_await loop::with_deadline(loop_, net::accept_tls(std::move(stream), tls, deadline, &plain),
                                   kNever, &entrance.greetings);
  if (secured) {
    metrics_.tls_handshakes_total.add();
    if ((*secured)->tls().resumed) metrics_.tls_resumptions_total.add();
    co_return *std::move(secured);
  }
  if (secured.error().reason() == Reason::ShuttingDown) co_return nullptr;
  metrics_.count_tls_failure(secured.error().detail());
  tell(Notices::Kind::TlsHandshake, entrance, peer, secured.error());
  if (plain &&
      !refuse(plain, entrance,
              Failure(Reason::RequestMalformed, "a plain HTTP request was sent to an HTTPS port")))
    plain->abort();
  co_return nullptr;
}

void Shard::tell(Notices::Kind kind, const Entrance& entrance, const net::Address& peer,
                 const Failure& failure) {
  const std::string& limit = failure.limit_name();
  if (!limit.empty()) metrics_.count_limit(limit);
  notices_.tell(kind, loop_.now(), [&] {
    return fmt::format("listener {}: {}: {} ({}){}", entrance.plan.open->name, peer.text(),
                       failure.message(), failure.detail(),
                       limit.empty() ? "" : fmt::format(" (limit {})", limit));
  });
}

// Who asks something soon is told which limit it is, and the access log counts it. Not where HTTP
// does not come next: a handshake of TLS is what costs most.
void Shard::turn_away(std::unique_ptr<net::ByteStream> stream, Entrance& entrance,
                      std::string_view limit, bool http_is_next) {
  if (http_is_next &&
      refuse(stream, entrance, Failure::limit(limit, "there are too many connections")))
    return;
  metrics_.count_limit(limit);
  stream->abort();
}

// False, and the stream is left: as many are being told already as may be at a time.
bool Shard::refuse(std::unique_ptr<net::ByteStream>& stream, Entrance& entrance, Failure failure) {
  if (entrance.turned_away.size() >= kTurnedAwayMax) return false;
  entrance.turned_away.spawn(
      refuse_connection(std::move(stream), entrance.context, std::move(failure)));
  return true;
}

size_t Shard::connections() const {
  size_t all = 0;
  for (const auto& entrance : entrances_) all += entrance->connections.size();
  for (const auto& entrance : retired_) all += entrance->connections.size();
  return all;
}

loop::Task<void> Shard::keep_gauges() {
  for (;;) {
    co_await loop::sleep_for(loop_, kGaugeInterval);
    metrics_.client_connections.set(static_cast<int64_t>(connections()));
    relief_.look(connections());
    shelf_.update_gauges(metrics_);
    uint64_t dropped = metadata_dropped_before_;
    for (const auto& entrance : entrances_) {
      dropped += entrance->path.counts().metadata_dropped;
      look_for_shortage(*entrance);
    }
    metrics_.metadata_dropped.set(dropped);
  }
}

// What accepting had to wait for since the last look is counted, and told.
void Shard::look_for_shortage(Entrance& entrance) {
  net::Shortage all;
  for (const auto& listener : entrance.listeners) {
    const net::Shortage one = listener->shortage();
    all.pauses += one.pauses;
    if (one.error != 0) all.error = one.error;
  }
  const uint64_t before = std::exchange(entrance.pauses_told, all.pauses);
  if (all.pauses <= before) return;
  metrics_.accept_pauses_total.add(all.pauses - before);
  notices_.tell(Notices::Kind::Accepting, loop_.now(), [&] {
    return fmt::format("listener {}: new connections wait: {}{}", entrance.plan.open->name,
                       net::error_text(all.error),
                       all.error == EMFILE ? "; allow more (LimitNOFILE=, ulimit -Hn)" : "");
  });
}

void Shard::drain(Duration delay) {
  loop_.post([this, delay] { chores_.spawn(finish(delay)); });
}

void Shard::end_admin() {
  loop_.post([this] {
    admin_over_ = true;
    admin_ended_.notify();
  });
}

loop::Task<void> Shard::finish(Duration delay) {
  shelf_.changed().notify();  // health is NOT_SERVING from now on
  if (delay > Duration::zero()) co_await loop::sleep_for(loop_, delay);
  if (!admin_over_) {
    plan_entrances(admin_plans());
    // Each of their connections is for one more request, lest one that is idle holds the end up.
    for (const auto& entrance : entrances_) entrance->drain.start(settings_->drain_idle_timeout);
    while (!retiring_.empty()) co_await retiring_.emptied();
    while (!entrances_.empty() && !admin_over_) co_await admin_ended_.wait();
  }
  plan_entrances({});
  while (!retiring_.empty()) co_await retiring_.emptied();
  drained_();
}

std::vector<ListenerPlan> Shard::admin_plans() const {
  std::vector<ListenerPlan> plans;
  for (const auto& entrance : entrances_) {
    if (is_for_operators(entrance->plan)) plans.push_back(entrance->plan);
  }
  return plans;
}

// A listener that is no more: its connections end as soon as they can, and what is left after a
// time is told that it ends here.
loop::Task<void> Shard::retire(Entrance& entrance) {
  co_await stop_accepting(entrance);
  const Duration idle_timeout = settings_->drain_idle_timeout;
  const Duration timeout =
      admin_over_ && is_for_operators(entrance.plan) ? kLastWords : settings_->drain_timeout;
  const Instant end = deadline_after(loop_.now(), timeout);
  entrance.drain.start(idle_timeout);
  co_await wait_for_connections(entrance, std::min(end, deadline_after(loop_.now(), idle_timeout)));
  entrance.greetings.fall();
  co_await wait_for_connections(entrance, end);
  entrance.path.curfew().fall();
  co_await wait_for_connections(entrance, deadline_after(loop_.now(), kLastWords));
  metadata_dropped_before_ += entrance.path.counts().metadata_dropped;
  std::erase_if(retired_, [&](const auto& one) { return one.get() == &entrance; });
}

// What waits in the sockets' queues is still taken: closing a socket resets it.
loop::Task<void> Shard::stop_accepting(Entrance& entrance) {
  uint64_t before = 0;
  int turns = 0;
  do {
    before = entrance.accepted;
    co_await loop::sleep_for(loop_, std::chrono::milliseconds(1));
  } while (entrance.accepted != before && ++turns < kLastTurns);
  entrance.accepting.cancel_all();
  entrance.listeners.clear();
  entrance.plan.open.reset();
}

loop::Task<void> Shard::wait_for_connections(const Entrance& entrance, Instant end) {
  while (!entrance.connections.empty() && loop_.now() < end) {
    co_await loop::sleep_for(loop_, std::min<Duration>(kDrainInterval, end - loop_.now()));
  }
}

}  // namespace parley::gateway
