#include "upstream/endpoint.h"

#include <algorithm>
#include <cmath>

#include "loop/combine.h"
#include "net/tls_stream.h"

namespace parley::upstream {
namespace {

constexpr double kBackoffGrowth = 1.6;
constexpr double kBackoffJitter = 0.2;
constexpr Duration kShortLife = std::chrono::seconds(1);  // of a connection: it was hardly one
constexpr uint32_t kCalmMax = 6;                          // pings are at most 64 times rarer

Duration backoff(const Settings& settings, uint32_t failures, Random& random) {
  const double grown =
      static_cast<double>(settings.backoff_first.count()) * std::pow(kBackoffGrowth, failures - 1);
  const double bounded = std::min(grown, static_cast<double>(settings.backoff_max.count()));
  return Duration(static_cast<int64_t>(bounded * (1 + kBackoffJitter * (2 * random.unit() - 1))));
}

std::string connect_trouble(const Settings& settings, const Failure& failure) {
  if (failure.reason() != Reason::DeadlineExpired) return failure.message();
  return "no answer in time (limit " + settings.key("connect_timeout") + ")";
}

}  // namespace

Endpoint::Endpoint(loop::Loop& loop, net::Network& network, const Settings& settings,
                   const net::TlsClientContext& tls, net::Address address, std::string name,
                   loop::Signal& changed, ConnectCounts& counts)
    : loop_(loop),
      network_(network),
      settings_(settings),
      tls_(tls),
      address_(address),
      tls_name_(std::move(name)),
      name_(address.text()),
      changed_(changed),
      counts_(counts),
      wanted_(loop),
      tasks_(loop) {
  tasks_.spawn(keep_connected());
}

Endpoint::~Endpoint() = default;

http::ClientConnection* Endpoint::available(const http::ClientConnection* avoid) {
  http::ClientConnection* best = nullptr;
  for (const auto& connection : connections_) {
    if (connection.get() == avoid || !connection->available()) continue;
    if (!best || connection->streams() < best->streams()) best = connection.get();
  }
  return draining_ ? nullptr : best;
}

bool Endpoint::grow() {
  if (draining_) return false;
  if (connecting_) return true;
  const size_t usable = static_cast<size_t>(
      std::count_if(connections_.begin(), connections_.end(),
                    [](const auto& one) { return one->alive() && !one->going_away(); }));
  if (failures_ > 0 || usable >= settings_.connections_max) return false;
  wanted_count_ = usable + 1;
  wanted_.notify();
  return true;
}

bool Endpoint::connected() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const auto& one) { return one->alive() && !one->going_away(); });
}

size_t Endpoint::streams() const {
  size_t all = 0;
  for (const auto& connection : connections_) all += connection->streams();
  return all;
}

uint32_t Endpoint::header_bytes_max() const {
  uint32_t least = UINT32_MAX;
  for (const auto& connection : connections_)
    least = std::min(least, connection->peer_header_bytes_max());
  return least;
}

void Endpoint::drain() {
  draining_ = true;
  for (const auto& connection : connections_) connection->drain();
}

void Endpoint::forget(http::ClientConnection& connection) {
  last_error_ = connection.end_reason();
  if (connection.calm_asked() && calm_ < kCalmMax) ++calm_;
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& one) { return one.get() == &connection; });
  loop_.destroy_later(std::move(*found));
  connections_.erase(found);
}

// size: one loop, read from top to bottom
loop::Task<void> Endpoint::keep_connected() {
  while (!draining_) {
    const size_t usable =
        static_cast<size_t>(std::count_if(connections_.begin(), connections_.end(),
                                          [](const auto& one) { return !one->going_away(); }));
    if (usable >= std::max<size_t>(wanted_count_, 1)) {
      wanted_count_ = 1;
      co_await wanted_.wait();
      continue;
    }
    if (failures_ > 0) {
      co_await loop::sleep_for(loop_, backoff(settings_, failures_, loop_.random()));
    }
    connecting_ = true;
    auto made = co_await loop::with_deadline(
        loop_, connect(), deadline_after(loop_.now(), settings_.connect_timeout));
    connecting_ = false;
    if (made && !(*made)->going_away()) {
      failures_ = 0;
      ++counts_.made;
      connections_.push_back(*std::move(made));
      tasks_.spawn(watch(*connections_.back()));
      changed_.notify();
      continue;
    }
    ++failures_;
    if (!made && made.error().reason() == Reason::DeadlineExpired) ++counts_.timeouts;
    last_error_ = made ? "it sends connections away" : connect_trouble(settings_, made.error());
    changed_.notify();
  }
}

// A connection whose peer has proven that it speaks HTTP/2.
loop::Task<Result<std::unique_ptr<http::ClientConnection>>> Endpoint::connect() {
  CO_TRY(plain, co_await network_.connect(address_));
  CO_TRY(stream, co_await secure(std::move(plain)));
  http::ClientSettings http = settings_.http;
  http.prefix = settings_.key("");
  http.ping_interval *= int64_t{1} << calm_;
  auto connection = http::make_h2_client(std::move(stream), http);
  while (!connection->greeted()) {
    if (!connection->alive())
      co_return Failure(Reason::UpstreamUnavailable, connection->end_reason());
    co_await connection->changed().wait();
  }
  co_return connection;
}

// With TLS where the settings want it, and never without then.
loop::Task<Result<std::unique_ptr<net::ByteStream>>> Endpoint::secure(
    std::unique_ptr<net::ByteStream> stream) {
  if (!settings_.tls.enabled) co_return std::move(stream);
  if (!tls_.active())
    co_return Failure(Reason::UpstreamUnavailable, "its certificates do not load");
  CO_TRY(secured,
         co_await net::connect_tls(std::move(stream), tls_, tls_name_, &sessions_,
                                   deadline_after(loop_.now(), settings_.connect_timeout)));
  if (secured->tls().alpn != "h2")
    co_return Failure(Reason::UpstreamUnavailable, "it does not speak HTTP/2 over TLS (ALPN h2)");
  co_return secured;
}

// Passes a connection's news on until its end, and then lets go of it.
loop::Task<void> Endpoint::watch(http::ClientConnection& connection) {
  const Instant made = loop_.now();
  while (connection.alive() && !connection.going_away()) {
    co_await connection.changed().wait();
    changed_.notify();
  }
  note_end(connection, loop_.now() - made);
  wanted_.notify();
  while (connection.alive()) {
    co_await connection.changed().wait();
    changed_.notify();
  }
  forget(connection);
}

// An upstream that takes connections and sends them away at once is not to be hammered either. One
// that served something on them may want a new one for each call, as far as we are concerned.
void Endpoint::note_end(const http::ClientConnection& connection, Duration lived) {
  const bool in_vain = lived < kShortLife && !connection.was_of_use();
  short_lived_ = in_vain ? short_lived_ + 1 : 0;
  if (short_lived_ > 1) failures_ = std::max(failures_, short_lived_ - 1);
}

}  // namespace parley::upstream
