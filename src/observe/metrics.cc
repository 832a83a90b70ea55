#include "observe/metrics.h"

#include <xxhash.h>

namespace parley::observe {
namespace {

constexpr size_t kSlotsFirst = 64;

uint64_t hash_of(std::string_view method, std::string_view protocol) {
  // Protocols are few and differ in their length or first letter.
  const uint64_t seed =
      protocol.empty() ? 0 : protocol.size() << 8 | static_cast<uint8_t>(protocol.front());
  return XXH3_64bits_withSeed(method.data(), method.size(), seed);
}

}  // namespace

Metrics::Metrics(Settings settings) : settings_(settings), slots_(kSlotsFirst) {}

void Metrics::count_request(RequestSeries& series, const FinishedRequest& request) {
  series.duration.record(request.duration);
  series.request_bytes.add(request.request_bytes);
  series.response_bytes.add(request.response_bytes);
  const uint8_t code =
      request.code_known ? static_cast<uint8_t>(request.code) : OutcomeSeries::kNoCode;
  outcome_series(series, request.status, code).count.add();
}

RequestSeries& Metrics::request_series(std::string_view method, std::string_view protocol) {
  const uint64_t hash = hash_of(method, protocol);
  for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.series == nullptr) return add_request_series(hash, method, protocol);
    if (slot.hash == hash && slot.series->method == method && slot.series->protocol == protocol)
      return *slot.series;
  }
}

RequestSeries& Metrics::add_request_series(uint64_t hash, std::string_view method,
                                           std::string_view protocol) {
  const bool nameless = method.empty() && protocol.empty();
  if (requests_.size() >= settings_.request_series_max && !nameless) return request_series("", "");
  if ((requests_.size() + 1) * 2 > slots_.size()) grow_slots();
  RequestSeries& series = requests_.add(method, protocol);
  put(hash, series);
  return series;
}

void Metrics::grow_slots() {
  const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
  for (const Slot& slot : before)
    if (slot.series != nullptr) put(slot.hash, *slot.series);
}

void Metrics::put(uint64_t hash, RequestSeries& series) {
  size_t at = hash & (slots_.size() - 1);
  while (slots_[at].series != nullptr) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {hash, &series};
}

OutcomeSeries& Metrics::outcome_series(RequestSeries& series, uint16_t status, uint8_t code) {
  const auto same = [&](const OutcomeSeries* outcome) {
    return outcome->status == status && outcome->code == code;
  };
  if (series.latest != nullptr && same(series.latest)) return *series.latest;
  OutcomeSeries* found = series.outcomes.first();
  while (found != nullptr && !same(found)) found = found->next;
  if (found == nullptr) {
    const bool nameless = status == 0 && code == OutcomeSeries::kNoCode;
    if (series.outcomes.size() >= settings_.outcomes_max && !nameless)
      return outcome_series(series, 0, OutcomeSeries::kNoCode);
    found = &series.outcomes.add(status, code);
  }
  series.latest = found;
  return *found;
}

void Metrics::count_limit(std::string_view limit, uint64_t hits) {
  named_series(limits_, limit, settings_.limit_series_max).hits.add(hits);
}

void Metrics::count_tls_failure(std::string_view cause) {
  named_series(tls_failures_, cause, settings_.limit_series_max).hits.add();
}

void Metrics::count_proxy_failure(std::string_view cause) {
  named_series(proxy_failures_, cause, settings_.limit_series_max).hits.add();
}

UpstreamSeries& Metrics::upstream(std::string_view name) {
  return named_series(upstreams_, name, settings_.upstream_series_max);
}

template <typename Series>
Series& Metrics::named_series(PublishedList<Series>& list, std::string_view name, size_t max) {
  for (Series* series = list.first(); series != nullptr; series = series->next)
    if (series->name == name) return *series;
  if (list.size() >= max && !name.empty()) return named_series(list, "", max);
  return list.add(name);
}

}  // namespace parley::observe
