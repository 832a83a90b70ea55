#include "gateway/shard.h"

#include <algorithm>

#include <unistd.h>

#include "gateway/refuse_connection.h"
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

std::unique_ptr<edge::LogSink> make_log(loop::Loop& loop, const Settings& settings,
                                        observe::Metrics& metrics) {
  if (settings.log.format == edge::LogFormat::Off) return nullptr;
  return std::make_unique<edge::LogSink>(loop, edge::log_to_descriptor(STDOUT_FILENO), settings.log,
                                         metrics.log_lines_dropped);
}

}  // namespace

Shard::Entrance::Entrance(Shard& shard, const net::Address& address, ListenerSettings its)
    : settings(std::move(its)),
      limited(!settings.serve.admin),
      path(shard.loop_, shard.shelf_, settings, address, shard.settings_, shard.metrics_,
           shard.log_.get()),
      context{shard.loop_, path.entrance(), shard.settings_.http, shard.drain_} {}

Shard::Shard(const Settings& settings, Status& status, AddressCounts& addresses, uint64_t seed)
    : settings_(settings),
      addresses_(addresses),
      poller_(loop::make_epoll_poller()),
      loop_(clock_, *poller_, seed),
      network_(net::make_socket_network(loop_)),
      resolver_(net::make_resolver(loop_)),
      log_(make_log(loop_, settings, metrics_)),
      drain_(loop_),
      shelf_(loop_, *network_, *resolver_, settings, status),
      connections_(loop_),
      turned_away_(loop_),
      accepting_(loop_),
      chores_(loop_) {
  status.add(metrics_);
}

Shard::~Shard() { join(); }

Result<void> Shard::listen(const OpenListener& open, size_t index,
                           const ListenerSettings& settings) {
  const size_t shards = settings.serve.admin ? 1 : settings_.threads;
  auto entrance = std::make_unique<Entrance>(*this, open.address, settings);
  for (const int descriptor : open.descriptors_of(index, shards)) {
    TRY(listener, network_->listen(open.address, {.shared_descriptor = descriptor}));
    entrance->listeners.push_back(std::move(listener));
  }
  entrances_.push_back(std::move(entrance));
  return {};
}

void Shard::start() {
  chores_.spawn(keep_gauges());
  thread_ = std::thread([this] {
    loop_.run();
    // Coroutines end on the thread that ran them.
    accepting_.cancel_all();
    connections_.cancel_all();
    turned_away_.cancel_all();
    chores_.cancel_all();
  });
}

void Shard::begin_accepting() {
  loop_.post([this] {
    for (const auto& entrance : entrances_) {
      for (const auto& listener : entrance->listeners)
        accepting_.spawn(accept(*entrance, *listener));
    }
  });
}

void Shard::join() {
  if (thread_.joinable()) thread_.join();
}

void Shard::publish(std::shared_ptr<const Snapshot> snapshot) {
  loop_.post([this, snapshot = std::move(snapshot)] {
    shelf_.publish(snapshot);
    for (const auto& entrance : entrances_) entrance->path.publish(snapshot);
  });
}

void Shard::publish(std::shared_ptr<const HealthReport> report) {
  loop_.post([this, report = std::move(report)] { shelf_.publish(report); });
}

void Shard::publish(const TlsContexts& tls) {
  loop_.post([this, tls] {
    // The admin listener, which speaks no TLS, is behind those of the settings.
    for (size_t i = 0; i < entrances_.size() && i < tls.listeners.size(); ++i)
      entrances_[i]->tls = tls.listeners[i];
    shelf_.use(tls);
  });
}

loop::Task<void> Shard::accept(Entrance& entrance, net::Listener& listener) {
  const size_t connections_max =
      std::max<size_t>(settings_.connections_max / std::max(settings_.threads, 1u), 1);
  for (;;) {
    auto stream = co_await listener.accept();
    if (!stream) co_return;
    ++accepted_;
    metrics_.client_connections_total.add(1);
    if (entrance.limited && connections_.size() >= connections_max) {
      turn_away(*std::move(stream), entrance, "connections_max");
    } else if (!entrance.limited || settings_.connections_per_address_max == 0) {
      connections_.spawn(serve(*std::move(stream), entrance));
    } else if (auto place = addresses_.take((*stream)->peer())) {
      connections_.spawn(serve_counted(*std::move(stream), entrance, *std::move(place)));
    } else {
      turn_away(*std::move(stream), entrance, "connections_per_address_max");
    }
  }
}

loop::Task<void> Shard::serve(std::unique_ptr<net::ByteStream> stream, Entrance& entrance) {
  if (!entrance.plain()) return serve_prepared(std::move(stream), entrance);
  return http::serve_connection(std::move(stream), entrance.context);
}

loop::Task<void> Shard::serve_prepared(std::unique_ptr<net::ByteStream> stream,
                                       Entrance& entrance) {
  auto prepared = co_await prepare(std::move(stream), entrance);
  if (prepared) co_await http::serve_connection(std::move(prepared), entrance.context);
}

// What comes before HTTP: the header of a balancer, and the handshake of TLS. Null: it went wrong,
// and is counted.
loop::Task<std::unique_ptr<net::ByteStream>> Shard::prepare(std::unique_ptr<net::ByteStream> stream,
                                                            const Entrance& entrance) {
  const ListenerSettings& settings = entrance.settings;
  const Instant deadline = deadline_after(loop_.now(), settings.tls.handshake_timeout);
  if (!settings.proxy_from.empty()) {
    auto told = co_await net::take_proxy_header(std::move(stream), settings.proxy_from, deadline);
    if (!told) {
      metrics_.count_proxy_failure(told.error().detail());
      co_return nullptr;
    }
    stream = *std::move(told);
  }
  if (settings.tls.certificates.empty()) co_return stream;
  const net::TlsServerContext tls = entrance.tls;
  if (!tls.active()) co_return nullptr;  // not published yet
  auto secured = co_await net::accept_tls(std::move(stream), tls, deadline);
  if (!secured) {
    metrics_.count_tls_failure(secured.error().detail());
    co_return nullptr;
  }
  metrics_.tls_handshakes_total.add();
  if ((*secured)->tls().resumed) metrics_.tls_resumptions_total.add();
  co_return *std::move(secured);
}

loop::Task<void> Shard::serve_counted(std::unique_ptr<net::ByteStream> stream, Entrance& entrance,
                                      AddressCounts::Place place) {
  co_await serve(std::move(stream), entrance);
}

// Who asks something soon is told which limit it is, and the access log counts it. Not over TLS:
// the handshake is what costs most.
void Shard::turn_away(std::unique_ptr<net::ByteStream> stream, Entrance& entrance,
                      std::string_view limit) {
  if (entrance.plain() && turned_away_.size() < kTurnedAwayMax) {
    turned_away_.spawn(refuse_connection(std::move(stream), entrance.context, limit));
    return;
  }
  metrics_.count_limit(limit);
  stream->abort();
}

loop::Task<void> Shard::keep_gauges() {
  for (;;) {
    co_await loop::sleep_for(loop_, kGaugeInterval);
    metrics_.client_connections.set(static_cast<int64_t>(connections_.size()));
    relief_.look(connections_.size());
    shelf_.update_gauges(metrics_);
    uint64_t dropped = 0;
    for (const auto& entrance : entrances_) dropped += entrance->path.counts().metadata_dropped;
    metrics_.metadata_dropped.set(dropped);
  }
}

void Shard::drain(DrainTimes times) {
  loop_.post([this, times] { chores_.spawn(finish(times)); });
}

loop::Task<void> Shard::finish(DrainTimes times) {
  co_await stop_accepting();
  drain_.start(times.idle);
  shelf_.changed().notify();  // health is NOT_SERVING from now on
  co_await wait_for_connections(times.timeout);
  shelf_.curfew().fall();
  co_await wait_for_connections(kLastWords);
  loop_.stop();
}

// What waits in the sockets' queues is still taken: closing a socket resets it.
loop::Task<void> Shard::stop_accepting() {
  uint64_t before = 0;
  int turns = 0;
  do {
    before = accepted_;
    co_await loop::sleep_for(loop_, std::chrono::milliseconds(1));
  } while (accepted_ != before && ++turns < kLastTurns);
  accepting_.cancel_all();
  for (const auto& entrance : entrances_) entrance->listeners.clear();
}

loop::Task<void> Shard::wait_for_connections(Duration limit) {
  const Instant end = deadline_after(loop_.now(), limit);
  while (!connections_.empty() && loop_.now() < end) {
    co_await loop::sleep_for(loop_, std::min<Duration>(kDrainInterval, end - loop_.now()));
  }
}

}  // namespace parley::gateway
