#include "simulation/invariants.h"

#include <algorithm>

#include <fmt/format.h>

namespace parley::simulation {
namespace {

// Closing a connection takes at most so long.
constexpr Duration kDrainSlack = std::chrono::seconds(4);

std::string text_of(const std::map<std::string, uint64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) text += fmt::format("{} x {}; ", count, name);
  return text;
}

}  // namespace

template <typename A, typename B>
void Invariants::expect_equal(std::string_view what, const A& is, const B& should) {
  if (is != static_cast<A>(should))
    world.ledger_.blame(fmt::format("{}: {} instead of {}", what, is, should));
}

void Invariants::check_quiet() {
  const observe::Metrics& metrics = world.serving().shard->metrics();
  expect_equal("client connections are left", metrics.client_connections.value(), 0);
  expect_equal("requests are left", metrics.requests_active.value(), 0);
  for (const auto* one = metrics.upstreams().first(); one; one = one->next)
    expect_equal("upstream streams are left", one->streams.value(), 0);
  for (const auto& upstream : world.upstreams_)
    expect_equal("streams are left at the upstream", upstream->streams_open(), 0);
}

void Invariants::check_active(Instant over_by) {
  int64_t active = 0;
  for (const auto& process : world.processes_) {
    if (process->shard) active += process->shard->metrics().requests_active.value();
  }
  const auto most = static_cast<int64_t>(world.ledger_.active_at_most(over_by));
  if (active > most)
    world.ledger_.blame(fmt::format("{} requests, of which {} at most can run", active, most));
}

// A drain waits for calls, and for idle connections no longer than it may.
void Invariants::check_drain(const World::Process& process) {
  const int number = static_cast<int>(
      std::ranges::find(world.processes_, &process, [](const auto& one) { return one.get(); }) -
      world.processes_.begin());
  const Instant due = world.ledger_.last_end(number) + world.settings_->drain_idle_timeout +
                      2 * world.ledger_.wire_slack + kDrainSlack;
  if (world.loop_.now() > due)
    world.ledger_.blame(
        fmt::format("a drain took {} ms too long", (world.loop_.now() - due).count() / 1'000'000));
}

void Invariants::add_counters(const observe::Metrics& metrics) {
  for (const auto* series = metrics.requests().first(); series; series = series->next) {
    for (const auto* one = std::as_const(series->outcomes).first(); one; one = one->next) {
      const bool coded = one->code != observe::OutcomeSeries::kNoCode;
      const std::string_view code = coded ? code_row(static_cast<Code>(one->code)).name : "";
      world.requests_by_outcome_[fmt::format("{} {}", one->status, code)] += one->count.value();
    }
  }
  for (const auto* series = metrics.requests().first(); series; series = series->next) {
    world.request_bytes_ += series->request_bytes.value();
    world.response_bytes_ += series->response_bytes.value();
  }
  for (const auto* limit = metrics.limits().first(); limit; limit = limit->next)
    world.limits_hit_[limit->name] += limit->hits.value();
  world.connections_accepted_ += metrics.client_connections_total.value();
  expect_equal("requests are left", metrics.requests_active.value(), 0);
  expect_equal("lines of the log that were dropped", metrics.log_lines_dropped.value(), 0);
}

void Invariants::check_end() {
  expect_equal("requests that were counted, and logged", text_of(world.requests_by_outcome_),
               text_of(world.ledger_.lines_by_outcome()));
  expect_equal("bytes of requests that were counted, and logged", world.request_bytes_,
               world.ledger_.request_bytes());
  expect_equal("bytes of answers that were counted, and logged", world.response_bytes_,
               world.ledger_.response_bytes());
  // Some limits are hit where there is no request that could be logged.
  for (const auto& [limit, lines] : world.ledger_.lines_by_limit()) {
    if (world.limits_hit_[limit] < lines)
      expect_equal("hits of " + limit + " that were counted, and logged", world.limits_hit_[limit],
                   lines);
  }
  if (world.connections_accepted_ < world.ledger_.links_answered() ||
      world.connections_accepted_ > world.faults_.client_connections())
    expect_equal("connections that were counted, and opened", world.connections_accepted_,
                 world.faults_.client_connections());
  for (const auto& upstream : world.upstreams_) {
    expect_equal("connections are left at the upstream", upstream->connections(), 0);
    expect_equal("calls that ended at the upstream", upstream->streams_over(),
                 upstream->streams_begun());
  }
}

}  // namespace parley::simulation
