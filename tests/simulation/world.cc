#include "simulation/world.h"

#include <utility>

#include <fmt/format.h>

#include "simulation/invariants.h"

namespace parley::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The parts of a run that draw for themselves.
enum Part : uint64_t {
  kSettings,
  kFaults,
  kReload,
  kDrain,
  kOutages = 100,
  kCrashes = 200,
  kClients = 1000
};

// By then every client has its answers, or has lost its patience.
constexpr Duration kRunMax = seconds(900);
// For connections to linger, and for the gauges.
constexpr Duration kSettleTime = seconds(8);
constexpr Duration kQuietTime = seconds(10);
constexpr uint64_t kTurnsInQuietMax = 20;  // a second
constexpr uint64_t kTurnsAtOneTimeMax = 20'000;

class LogReader final : public edge::LogOutput {
 public:
  explicit LogReader(Ledger& ledger) : ledger_(ledger) {}
  size_t write(std::string_view lines) override {
    const size_t taken = lines.size();
    for (size_t end = 0; (end = lines.find('\n')) != std::string_view::npos;) {
      ledger_.read_log_line(lines.substr(0, end));
      lines.remove_prefix(end + 1);
    }
    return taken;
  }
  bool broken() const override { return false; }

 private:
  Ledger& ledger_;
};

Profile profile_of(Draw draw) { return draw_profile(draw); }

}  // namespace

World::World(uint64_t seed, std::function<void(std::string_view)> tell)
    : draw_(seed),
      profile_(profile_of(draw_.part(~uint64_t{0}))),
      poller_(clock_),
      loop_(clock_, poller_, seed),
      trace_(clock_, std::move(tell)),
      ledger_(loop_, trace_),
      network_(loop_),
      gateway_address_(net::Address::loopback(8080)),
      faults_(loop_, network_, profile_, draw_.part(kFaults), ledger_, trace_),
      settings_(draw_settings()),
      context_{loop_,           network_, gateway_address_, profile_,
               settings_->http, faults_,  ledger_,          trace_},
      clients_(loop_),
      events_(loop_) {}

World::~World() = default;

// The gateway forgets a cancelled call soon, and not only when everything is over.
loop::Task<void> World::look_after_cancel() {
  const Instant cancelled = loop_.now();
  co_await loop::sleep_for(loop_, ledger_.cancel_slack);
  Invariants(*this).check_active(cancelled);
}

std::shared_ptr<const gateway::Settings> World::draw_settings() {
  Draw draw = draw_.part(kSettings);
  auto settings = std::make_shared<gateway::Settings>();
  settings->listeners[0].address = gateway_address_.text();
  settings->log.format = edge::LogFormat::Json;
  settings->drain_timeout =
      draw.one_in(2) ? Duration(seconds(40)) : draw.time(milliseconds(100), seconds(2));
  settings->drain_idle_timeout = draw.time(milliseconds(10), seconds(2));
  settings->http.streams_max = draw.any_of<uint32_t>({2, 8, 128});
  settings->http.stream_window_bytes = draw.any_of<uint32_t>({4'096, 65'535, 262'144});
  settings->http.write_buffer_bytes = draw.any_of<uint32_t>({1'024, 65'536});
  // Longer than any client is stalled, short enough for calls that wait behind a stuck one.
  settings->http.body_timeout = settings->http.header_timeout = seconds(6);
  settings->door.unary_timeout_default = kUnaryTimeout;
  if (profile_.impatient) {
    settings->http.keep_alive_timeout = draw.time(milliseconds(300), seconds(2));
    settings->http.idle_timeout = draw.time(milliseconds(300), seconds(2));
  }
  if (profile_.crowded) settings->connections_max = draw.size(1, 3);
  ledger_.crowded = profile_.crowded;
  gateway::UpstreamSettings upstream;
  upstream.connection.name = "echo";
  const uint64_t endpoints = draw.between(1, 3);
  for (uint64_t i = 0; i < endpoints; ++i)
    upstream.connection.endpoints.push_back(fmt::format("127.0.0.1:{}", 9001 + i));
  upstream.connection.connections_max = draw.size(1, 4);
  upstream.connection.backoff_max = draw.time(milliseconds(200), seconds(2));
  upstream.connection.connect_timeout = draw.time(milliseconds(500), seconds(2));
  upstream.connection.http.stream_window_bytes = draw.any_of<uint32_t>({4'096, 65'535, 262'144});
  if (profile_.upstream_silence) {
    upstream.connection.http.ping_interval = draw.time(seconds(1), seconds(3));
    upstream.connection.http.ping_timeout = 3 * Faults::kStallMax;
  }
  settings->upstreams.push_back(std::move(upstream));
  const auto& connection = settings->upstreams[0].connection;
  ledger_.replay_bytes_max = connection.replay_bytes_max;
  // Backoff with its jitter, an attempt that had just begun, and the way there and back.
  faults_.recovery = connection.backoff_max * 3 / 2 + connection.connect_timeout * 2 + seconds(2);
  ledger_.wire_slack = 2 * Faults::kDelayMax + milliseconds(10);
  if (profile_.stalls) ledger_.wire_slack += 2 * Faults::kStallMax;
  ledger_.deadline_slack = ledger_.wire_slack + milliseconds(500);
  ledger_.cancel_slack = ledger_.wire_slack + milliseconds(20);
  ledger_.slow_wires = profile_.stalls || profile_.slow_wires;
  return settings;
}

void World::open_upstreams() {
  Draw draw = draw_.part(kOutages);
  for (const std::string& endpoint : settings_->upstreams[0].connection.endpoints) {
    const Http2Peer::Options options{.streams_max = draw.any_of<uint32_t>({1, 3, 100}),
                                     .window_bytes = draw.any_of<uint32_t>({500, 16'384, 65'535})};
    ledger_.few_streams = ledger_.few_streams || options.streams_max < 100;
    upstreams_.push_back(std::make_unique<Upstream>(loop_, network_, *net::Address::parse(endpoint),
                                                    ledger_, trace_, options));
    upstreams_.back()->recovery = faults_.recovery;
    if (profile_.upstream_outages && draw.one_in(2))
      events_.spawn(faults_.interrupt(upstreams_.back()->address(), draw.part(upstreams_.size())));
    if (profile_.upstream_crashes)
      events_.spawn(crash_later(*upstreams_.back(), draw.part(kCrashes + upstreams_.size())));
  }
}

void World::open_gateway() {
  const int number = static_cast<int>(processes_.size());
  Process& process = *processes_.emplace_back(std::make_unique<Process>());
  faults_.set_gateway(gateway_address_, number);
  process.shard = std::make_unique<gateway::Shard>(
      settings_, process.status, process.clients, process.notices,
      gateway::Surroundings{.loop = loop_,
                            .network = network_,
                            .resolver = resolver_,
                            .log = std::make_unique<LogReader>(ledger_),
                            .drained = [&process] { process.drained = true; }});
  auto open = std::make_shared<gateway::OpenListener>();
  open->name = gateway_address_.text();
  open->address = gateway_address_;
  open->sockets.emplace_back();
  std::vector<gateway::ListenerPlan> plans;
  plans.push_back(
      {.open = open, .settings = settings_->listeners[0], .admin_hosts = {}, .tls = {}});
  process.shard->start();
  publish();
  process.shard->listen(std::move(plans));
  process.shard->begin_accepting();
}

void World::publish() {
  std::vector<contract::Problem> problems;
  auto snapshot = gateway::Snapshot::build(
      {.settings = settings_, .contracts = {loaded_contract()}, .pending = {""}}, problems);
  if (contract::has_errors(problems)) ledger_.blame("the snapshot has errors");
  serving().shard->publish(std::move(snapshot), {});
}

Verdict World::run() {
  open_upstreams();
  open_gateway();
  loop_.run_until_idle();
  Draw draw = draw_.part(kClients);
  const uint64_t count = draw.between(1, 8);
  for (uint64_t i = 0; i < count; ++i) clients_.spawn(run_client(i));
  ledger_.cancelled = [this] { events_.spawn(look_after_cancel()); };
  if (profile_.reload) events_.spawn(reload_later(draw_.part(kReload)));
  if (profile_.drain) events_.spawn(drain_later(draw_.part(kDrain)));
  run_clients();
  settle();
  end_gateway();
  ledger_.judge();
  Verdict verdict{ledger_.violations(), trace_.hash(), ledger_.calls().size(), 0};
  for (const Call& call : ledger_.calls()) verdict.answered += call.end == Call::End::Answered;
  return verdict;
}

loop::Task<void> World::run_client(uint64_t number) {
  Draw draw = draw_.part(kClients + 1 + number);
  const ClientKind& kind = draw_client(draw);
  co_await loop::sleep_for(loop_, draw.time(Duration(0), seconds(2)));
  co_await kind.run(context_, draw, fmt::format("{}{}", kind.name, number));
}

// The settings change under the running calls, now and then so that the upstream is another one.
loop::Task<void> World::reload_later(Draw draw) {
  for (uint64_t i = draw.between(1, 3); i > 0; --i) {
    co_await loop::sleep_for(loop_, draw.time(Duration(0), seconds(2)));
    auto changed = std::make_shared<gateway::Settings>(*settings_);
    if (draw.one_in(2)) changed->upstreams[0].connection.pending_max += 1;
    trace_.say("reload");
    settings_ = std::move(changed);
    publish();
  }
}

// It is started again at once: who wants to connect meanwhile waits a little.
loop::Task<void> World::crash_later(Upstream& upstream, Draw draw) {
  for (uint64_t i = draw.between(1, 3); i > 0; --i) {
    co_await loop::sleep_for(loop_, draw.time(Duration(0), seconds(2)));
    trace_.say("fault: upstream {} crashes", upstream.address().text());
    upstream.crash();
  }
}

loop::Task<void> World::drain_later(Draw draw) {
  co_await loop::sleep_for(loop_, draw.time(Duration(0), seconds(3)));
  drain();
  co_await take_over();
}

void World::drain() {
  trace_.say("drain");
  ledger_.drain_began(process_number(), settings_->drain_timeout);
  serving().shard->drain(Duration::zero());
  serving().shard->end_admin();
}

// Another process listens as soon as it can: the network in memory has no sockets to be shared.
loop::Task<void> World::take_over() {
  while (network_.listening(gateway_address_)) co_await loop::sleep_for(loop_, milliseconds(1));
  trace_.say("another process takes over");
  open_gateway();
}

// A process that has drained is no more. What was posted to it in the same turn still finds it: its
// loop is everybody's.
void World::retire() {
  for (const auto& process : processes_) {
    if (!process->shard || !process->drained || !std::exchange(process->retiring, true)) continue;
    trace_.say("a process ends");
    Invariants(*this).check_drain(*process);
    Invariants(*this).add_counters(process->shard->metrics());
    process->shard.reset();
  }
}

void World::turn(Instant until) {
  loop_.turn(until);
  retire();
}

void World::run_clients() {
  const Instant end = loop_.now() + kRunMax;
  while (!clients_.empty() && loop_.now() < end && poller_.most_at_one_time() < kTurnsAtOneTimeMax)
    turn(end);
  if (poller_.most_at_one_time() >= kTurnsAtOneTimeMax) ledger_.blame("the loop never rests");
  if (!clients_.empty()) ledger_.blame(fmt::format("{} clients never end", clients_.size()));
  clients_.cancel_all();
}

// Nothing goes wrong any more, and nobody asks anything: then nothing is left, and nothing happens.
void World::settle() {
  trace_.say("settling");
  events_.cancel_all();
  if (ledger_.draining(process_number())) events_.spawn(take_over());
  faults_.stop();
  for (const auto& upstream : upstreams_) network_.accept_again(upstream->address());
  advance(kSettleTime);
  Invariants(*this).check_quiet();
  const uint64_t before = poller_.turns();
  advance(kQuietTime);
  const uint64_t turns = poller_.turns() - before;
  if (turns > kTurnsInQuietMax * static_cast<uint64_t>(kQuietTime / seconds(1)))
    ledger_.blame(fmt::format("{} turns in {} quiet seconds", turns, kQuietTime / seconds(1)));
}

void World::advance(Duration by) {
  const Instant end = loop_.now() + by;
  while (loop_.now() < end && poller_.most_at_one_time() < kTurnsAtOneTimeMax) turn(end);
}

void World::end_gateway() {
  drain();
  advance(settings_->drain_timeout + seconds(3));
  for (const auto& process : processes_) {
    if (!process->drained) ledger_.blame("a drain does not end");
  }
  advance(seconds(1));
  Invariants(*this).check_end();
}

}  // namespace parley::simulation
