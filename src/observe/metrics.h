#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "observe/counter.h"
#include "observe/histogram.h"
#include "observe/published_list.h"
#include "observe/settings.h"

namespace parley::observe {

// A request that is over, as the counters see it.
struct FinishedRequest {
  std::string_view method;    // a full name of the contract; empty: none matched
  std::string_view protocol;  // "rest", "grpc"; empty: no door took it
  uint16_t status = 0;        // 0: no head was sent
  Code code = Code::Ok;
  bool code_known = false;
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
  Duration duration{0};
};

// How the requests of one method and protocol ended: one for each status and code that was seen.
struct OutcomeSeries {
  OutcomeSeries(uint16_t status_, uint8_t code_) : status(status_), code(code_) {}
  const uint16_t status;
  const uint8_t code;  // of enum Code, or kNoCode
  Counter count;
  OutcomeSeries* next = nullptr;  // of PublishedList

  static constexpr uint8_t kNoCode = 0xff;
};

// The requests of one method and protocol.
struct RequestSeries {
  RequestSeries(std::string_view method_, std::string_view protocol_)
      : method(method_), protocol(protocol_) {}
  const std::string method;
  const std::string protocol;
  Histogram duration;
  Counter request_bytes;
  Counter response_bytes;
  PublishedList<OutcomeSeries> outcomes;
  OutcomeSeries* latest = nullptr;  // the writer's: mostly the next request ends likewise
  RequestSeries* next = nullptr;    // of PublishedList
};

// One upstream, as one shard sees it.
struct UpstreamSeries {
  explicit UpstreamSeries(std::string_view name_) : name(name_) {}
  const std::string name;
  Gauge connections;
  Gauge streams;
  UpstreamSeries* next = nullptr;  // of PublishedList
};

// One named limit, or one named cause of something.
struct LimitSeries {
  explicit LimitSeries(std::string_view name_) : name(name_) {}
  const std::string name;
  Counter hits;
  LimitSeries* next = nullptr;  // of PublishedList
};

// What one shard counts. The shard's thread alone calls what is not const; meanwhile any thread may
// read through the lists and counters (see render_prometheus). Series are made when they are first
// needed, stay where they are, and live as long as this does; readers are gone before.
//
// Labels are names that the gateway knows, never what a client made up. Should there be more than
// `settings` allow all the same (many reloads of changing contracts), the rest is counted under
// empty labels.
class Metrics {
 public:
  explicit Metrics(Settings settings = {});
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // A method that is in no contract must come as "".
  void count_request(const FinishedRequest& request) {
    count_request(request_series(request.method, request.protocol), request);
  }
  // The same, for who keeps the series: the names in `request` do not count.
  void count_request(RequestSeries& series, const FinishedRequest& request);
  RequestSeries& request_series(std::string_view method, std::string_view protocol);

  // A limit's name is the setting's ("http.header_bytes_max").
  void count_limit(std::string_view limit, uint64_t hits = 1);
  // `cause`: one of a few words that the gateway knows ("certificate").
  void count_tls_failure(std::string_view cause);
  void count_proxy_failure(std::string_view cause);
  // The gauges of an upstream; its owner sets them, and sets them to 0 when it is no more.
  UpstreamSeries& upstream(std::string_view name);

  Gauge client_connections;          // open now
  Counter client_connections_total;  // ever accepted
  Counter accept_pauses_total;       // for want of descriptors or memory
  Counter tls_handshakes_total;      // of clients, that went well
  Counter tls_resumptions_total;     // of these, those that went on with an earlier session
  Gauge requests_active;
  Counter metadata_dropped;   // fields of requests that could not become metadata
  Counter log_lines_dropped;  // because the terminal or pipe took no more

  // For readers, of any thread.
  const PublishedList<RequestSeries>& requests() const { return requests_; }
  const PublishedList<LimitSeries>& limits() const { return limits_; }
  const PublishedList<LimitSeries>& tls_failures() const { return tls_failures_; }
  const PublishedList<LimitSeries>& proxy_failures() const { return proxy_failures_; }
  const PublishedList<UpstreamSeries>& upstreams() const { return upstreams_; }

 private:
  struct Slot {
    uint64_t hash = 0;
    RequestSeries* series = nullptr;  // nullptr: free
  };
  RequestSeries& add_request_series(uint64_t hash, std::string_view method,
                                    std::string_view protocol);
  void grow_slots();
  void put(uint64_t hash, RequestSeries& series);
  OutcomeSeries& outcome_series(RequestSeries& series, uint16_t status, uint8_t code);
  template <typename Series>
  static Series& named_series(PublishedList<Series>& list, std::string_view name, size_t max);

  const Settings settings_;
  PublishedList<RequestSeries> requests_;
  PublishedList<LimitSeries> limits_;
  PublishedList<LimitSeries> tls_failures_;
  PublishedList<LimitSeries> proxy_failures_;
  PublishedList<UpstreamSeries> upstreams_;
  // Finds a request series: open addressing, a power of two, at most half of them taken. The
  // shard's own; readers walk the list.
  std::vector<Slot> slots_;
};

}  // namespace parley::observe
