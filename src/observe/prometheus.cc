#include "observe/prometheus.h"

#include <array>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace parley::observe {
namespace {

using OutcomeKey = std::pair<uint16_t, uint8_t>;

// The series of one method and protocol, summed over the shards.
struct RequestTotals {
  std::array<uint64_t, Histogram::kBuckets> buckets{};
  uint64_t sum_nanoseconds = 0;
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
  std::map<OutcomeKey, uint64_t> outcomes;

  void add(const RequestSeries& series) {
    for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += series.duration.bucket(i);
    sum_nanoseconds += series.duration.sum_nanoseconds();
    request_bytes += series.request_bytes.value();
    response_bytes += series.response_bytes.value();
    for (auto* outcome = series.outcomes.first(); outcome != nullptr; outcome = outcome->next)
      outcomes[{outcome->status, outcome->code}] += outcome->count.value();
  }
};

struct UpstreamTotals {
  int64_t connections = 0;
  int64_t streams = 0;
};

// Everything, summed over the shards and sorted by labels. The names are the shards' own.
struct Totals {
  explicit Totals(std::span<const Metrics* const> shards) {
    for (const Metrics* shard : shards) add(*shard);
  }
  void add(const Metrics& shard);

  std::map<std::pair<std::string_view, std::string_view>, RequestTotals> requests;
  std::map<std::string_view, uint64_t> limits;
  std::map<std::string_view, uint64_t> tls_failures;
  std::map<std::string_view, uint64_t> proxy_failures;
  std::map<std::string_view, UpstreamTotals> upstreams;
  int64_t client_connections = 0;
  uint64_t client_connections_total = 0;
  uint64_t accept_pauses_total = 0;
  uint64_t tls_handshakes_total = 0;
  uint64_t tls_resumptions_total = 0;
  int64_t requests_active = 0;
  uint64_t metadata_dropped = 0;
  uint64_t log_lines_dropped = 0;
};

void Totals::add(const Metrics& shard) {
  for (auto* series = shard.requests().first(); series != nullptr; series = series->next)
    requests[{series->method, series->protocol}].add(*series);
  for (auto* series = shard.limits().first(); series != nullptr; series = series->next)
    limits[series->name] += series->hits.value();
  for (auto* series = shard.tls_failures().first(); series != nullptr; series = series->next)
    tls_failures[series->name] += series->hits.value();
  for (auto* series = shard.proxy_failures().first(); series != nullptr; series = series->next)
    proxy_failures[series->name] += series->hits.value();
  for (auto* series = shard.upstreams().first(); series != nullptr; series = series->next) {
    UpstreamTotals& upstream = upstreams[series->name];
    upstream.connections += series->connections.value();
    upstream.streams += series->streams.value();
  }
  client_connections += shard.client_connections.value();
  client_connections_total += shard.client_connections_total.value();
  accept_pauses_total += shard.accept_pauses_total.value();
  tls_handshakes_total += shard.tls_handshakes_total.value();
  tls_resumptions_total += shard.tls_resumptions_total.value();
  requests_active += shard.requests_active.value();
  metadata_dropped += shard.metadata_dropped.value();
  log_lines_dropped += shard.log_lines_dropped.value();
}

std::string request_labels(const std::pair<std::string_view, std::string_view>& key) {
  return fmt::format("method={},protocol={}", quoted(key.first), quoted(key.second));
}

// One page of the text format.
class Page {
 public:
  explicit Page(ByteBuffer& out) : out_(out) {}

  void family(std::string_view name, std::string_view type, std::string_view help) {
    line("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <typename Number>
  void sample(std::string_view name, std::string_view labels, Number value) {
    if (labels.empty()) {
      line("{} {}\n", name, value);
    } else {
      line("{}{{{}}} {}\n", name, labels, value);
    }
  }
  // A family of one sample without labels.
  template <typename Number>
  void single(std::string_view name, std::string_view type, std::string_view help, Number value) {
    family(name, type, help);
    sample(name, "", value);
  }

 private:
  template <typename... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::memory_buffer text;
    fmt::format_to(std::back_inserter(text), format, std::forward<Arguments>(arguments)...);
    out_.append({text.data(), text.size()});
  }
  ByteBuffer& out_;
};

void write_outcomes(Page& page, const Totals& totals) {
  constexpr std::string_view kName = "parley_requests_total";
  page.family(kName, "counter", "Requests that have ended, by HTTP status and canonical code.");
  for (const auto& [key, request] : totals.requests) {
    const std::string labels = request_labels(key);
    for (const auto& [outcome, count] : request.outcomes) {
      const auto [status, code] = outcome;
      const std::string_view name =
          code == OutcomeSeries::kNoCode ? "" : code_row(static_cast<Code>(code)).name;
      const std::string status_text = status == 0 ? "" : std::to_string(status);
      page.sample(kName, fmt::format("{},status=\"{}\",code=\"{}\"", labels, status_text, name),
                  count);
    }
  }
}

void write_durations(Page& page, const Totals& totals) {
  page.family("parley_request_duration_seconds", "histogram",
              "From the first byte of a request to the end of its answer.");
  for (const auto& [key, request] : totals.requests) {
    const std::string labels = request_labels(key);
    uint64_t count = 0;
    for (size_t i = 0; i < request.buckets.size(); ++i) {
      count += request.buckets[i];
      const char* bound = i < kDurationLabels.size() ? kDurationLabels[i] : "+Inf";
      page.sample("parley_request_duration_seconds_bucket",
                  fmt::format("{},le=\"{}\"", labels, bound), count);
    }
    constexpr uint64_t kSecond = 1'000'000'000;
    page.sample("parley_request_duration_seconds_sum", labels,
                fmt::format("{}.{:09}", request.sum_nanoseconds / kSecond,
                            request.sum_nanoseconds % kSecond));
    page.sample("parley_request_duration_seconds_count", labels, count);
  }
}

void write_request_bytes(Page& page, const Totals& totals) {
  page.family("parley_request_bytes_total", "counter", "Bytes of request bodies, as they came.");
  for (const auto& [key, request] : totals.requests)
    page.sample("parley_request_bytes_total", request_labels(key), request.request_bytes);
  page.family("parley_response_bytes_total", "counter", "Bytes of response bodies, as they left.");
  for (const auto& [key, request] : totals.requests)
    page.sample("parley_response_bytes_total", request_labels(key), request.response_bytes);
}

void write_upstreams(Page& page, const Totals& totals) {
  const auto label = [](std::string_view name) { return "upstream=" + quoted(name); };
  page.family("parley_upstream_connections", "gauge", "Open connections to an upstream.");
  for (const auto& [name, upstream] : totals.upstreams)
    page.sample("parley_upstream_connections", label(name), upstream.connections);
  page.family("parley_upstream_streams", "gauge", "Calls that are open at an upstream.");
  for (const auto& [name, upstream] : totals.upstreams)
    page.sample("parley_upstream_streams", label(name), upstream.streams);
}

void write_gateway(Page& page, const Totals& totals) {
  page.single("parley_requests_active", "gauge", "Requests that are being served.",
              totals.requests_active);
  page.single("parley_client_connections", "gauge", "Open connections of clients.",
              totals.client_connections);
  page.single("parley_client_connections_total", "counter",
              "Connections of clients that were accepted.", totals.client_connections_total);
  page.single("parley_accept_pauses_total", "counter",
              "Times that new connections had to wait for want of descriptors or memory.",
              totals.accept_pauses_total);
  page.single("parley_tls_handshakes_total", "counter", "TLS handshakes of clients that succeeded.",
              totals.tls_handshakes_total);
  page.single("parley_tls_resumptions_total", "counter",
              "Of these, those that went on with an earlier session.",
              totals.tls_resumptions_total);
  page.family("parley_tls_failures_total", "counter", "TLS handshakes of clients that failed.");
  for (const auto& [cause, failures] : totals.tls_failures)
    page.sample("parley_tls_failures_total", "cause=" + quoted(cause), failures);
  page.family("parley_proxy_failures_total", "counter",
              "Connections without the PROXY header that their listener requires.");
  for (const auto& [cause, failures] : totals.proxy_failures)
    page.sample("parley_proxy_failures_total", "cause=" + quoted(cause), failures);
  page.family("parley_limits_hit_total", "counter", "Requests that a named limit has stopped.");
  for (const auto& [name, hits] : totals.limits)
    page.sample("parley_limits_hit_total", "limit=" + quoted(name), hits);
  page.single("parley_metadata_dropped_total", "counter",
              "Header fields of requests that could not become metadata.", totals.metadata_dropped);
  page.single("parley_log_lines_dropped_total", "counter",
              "Access-log lines that the terminal or pipe did not take in time.",
              totals.log_lines_dropped);
}

void write_process(Page& page, const ProcessStats& process) {
  if (!process.version.empty()) {
    page.family("parley_build_info", "gauge", "The version that runs; always 1.");
    page.sample("parley_build_info", "version=" + quoted(process.version), 1);
  }
  const auto known = [&page](std::string_view name, std::string_view type, std::string_view help,
                             const auto& value) {
    if (value) page.single(name, type, help, *value);
  };
  known("process_start_time_seconds", "gauge", "When the process started, since the epoch.",
        process.start_time_seconds);
  known("process_cpu_seconds_total", "counter", "User and system CPU time.", process.cpu_seconds);
  known("process_resident_memory_bytes", "gauge", "Resident memory.", process.resident_bytes);
  known("process_virtual_memory_bytes", "gauge", "Virtual memory.", process.virtual_bytes);
  known("process_open_fds", "gauge", "Open file descriptors.", process.open_fds);
  known("process_max_fds", "gauge", "The most file descriptors that may be open.", process.max_fds);
}

}  // namespace

std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
    } else {
      if (c == '\\' || c == '"') text += '\\';
      text += c;
    }
  }
  text += '"';
  return text;
}

void render_prometheus(std::span<const Metrics* const> shards, const ProcessStats& process,
                       ByteBuffer& out) {
  const Totals totals(shards);
  Page page(out);
  write_outcomes(page, totals);
  write_durations(page, totals);
  write_request_bytes(page, totals);
  write_upstreams(page, totals);
  write_gateway(page, totals);
  write_process(page, process);
}

}  // namespace parley::observe
