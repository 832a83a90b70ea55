#include "simulation/invariants.h"

#include <fmt/format.h>

namespace parley::simulation {
namespace {

std::map<std::string, uint64_t> requests_by_outcome(const observe::Metrics& metrics) {
  std::map<std::string, uint64_t> all;
  for (const auto* series = metrics.requests().first(); series; series = series->next) {
    for (const auto* one = std::as_const(series->outcomes).first(); one; one = one->next) {
      const bool coded = one->code != observe::OutcomeSeries::kNoCode;
      const std::string_view code = coded ? code_row(static_cast<Code>(one->code)).name : "";
      all[fmt::format("{} {}", one->status, code)] += one->count.value();
    }
  }
  return all;
}

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
  const observe::Metrics& metrics = world.shard_->metrics();
  expect_equal("client connections are left", metrics.client_connections.value(), 0);
  expect_equal("requests are left", metrics.requests_active.value(), 0);
  for (const auto* one = metrics.upstreams().first(); one; one = one->next)
    expect_equal("upstream streams are left", one->streams.value(), 0);
  for (const auto& upstream : world.upstreams_)
    expect_equal("streams are left at the upstream", upstream->streams_open(), 0);
}

void Invariants::check_counters() {
  const observe::Metrics& metrics = world.shard_->metrics();
  expect_equal("requests that were counted, and logged", text_of(requests_by_outcome(metrics)),
               text_of(world.ledger_.lines_by_outcome()));
  expect_equal("lines of the log that were dropped", metrics.log_lines_dropped.value(), 0);
  expect_equal("client connections are left", metrics.client_connections.value(), 0);
}

void Invariants::check_end() {
  for (const auto& upstream : world.upstreams_) {
    expect_equal("connections are left at the upstream", upstream->connections(), 0);
    expect_equal("calls that ended at the upstream", upstream->streams_over(),
                 upstream->streams_begun());
  }
}

}  // namespace parley::simulation
