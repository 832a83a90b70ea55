#include "observe/metrics.h"

#include <atomic>
#include <charconv>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "observe/prometheus.h"

namespace parley::observe {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

FinishedRequest request(std::string_view method, uint16_t status = 200, Code code = Code::Ok) {
  return {.method = method,
          .protocol = "rest",
          .status = status,
          .code = code,
          .code_known = true,
          .request_bytes = 10,
          .response_bytes = 300,
          .duration = milliseconds(2)};
}

uint64_t count_of(RequestSeries& series, uint16_t status, uint8_t code) {
  for (OutcomeSeries* at = series.outcomes.first(); at != nullptr; at = at->next)
    if (at->status == status && at->code == code) return at->count.value();
  return 0;
}

TEST(Histogram, puts_a_bound_itself_into_its_bucket) {
  Histogram histogram;
  histogram.record(Duration(0));
  histogram.record(microseconds(100));
  histogram.record(microseconds(100) + Duration(1));
  histogram.record(seconds(60));
  histogram.record(seconds(61));
  EXPECT_EQ(histogram.bucket(0), 2u);
  EXPECT_EQ(histogram.bucket(1), 1u);
  EXPECT_EQ(histogram.bucket(Histogram::kBuckets - 2), 1u);
  EXPECT_EQ(histogram.bucket(Histogram::kBuckets - 1), 1u);
}

TEST(Histogram, takes_a_clock_that_went_backwards_for_no_time) {
  Histogram histogram;
  histogram.record(-seconds(1));
  EXPECT_EQ(histogram.bucket(0), 1u);
  EXPECT_EQ(histogram.sum_nanoseconds(), 0u);
}

TEST(Histogram, has_the_same_bounds_in_both_units) {
  for (size_t i = 0; i < kDurationBounds.size(); ++i) {
    double label = 0;
    const std::string_view text = kDurationLabels[i];
    std::from_chars(text.data(), text.data() + text.size(), label);
    EXPECT_DOUBLE_EQ(label * 1e9, static_cast<double>(kDurationBounds[i])) << text;
  }
}

TEST(Metrics, counts_by_method_protocol_status_and_code) {
  Metrics metrics;
  metrics.count_request(request("a.B.C"));
  metrics.count_request(request("a.B.C"));
  metrics.count_request(request("a.B.C", 404, Code::NotFound));
  metrics.count_request(request("a.B.D"));
  RequestSeries& series = metrics.request_series("a.B.C", "rest");
  EXPECT_EQ(metrics.requests().size(), 2u);
  EXPECT_EQ(count_of(series, 200, 0), 2u);
  EXPECT_EQ(count_of(series, 404, 5), 1u);
  EXPECT_EQ(series.request_bytes.value(), 30u);
  EXPECT_EQ(series.response_bytes.value(), 900u);
}

TEST(Metrics, tells_protocols_apart) {
  Metrics metrics;
  EXPECT_NE(&metrics.request_series("a.B.C", "rest"), &metrics.request_series("a.B.C", "grpc"));
}

TEST(Metrics, keeps_series_where_they_are_while_more_are_made) {
  Metrics metrics;
  RequestSeries& first = metrics.request_series("first", "rest");
  for (int i = 0; i < 1000; ++i) metrics.request_series("m" + std::to_string(i), "rest");
  EXPECT_EQ(&metrics.request_series("first", "rest"), &first);
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "m" + std::to_string(i);
    EXPECT_EQ(metrics.request_series(name, "rest").method, name);
  }
  EXPECT_EQ(metrics.requests().size(), 1001u);
}

TEST(Metrics, a_request_without_a_code_is_an_outcome_of_its_own) {
  Metrics metrics;
  FinishedRequest unknown = request("", 404);
  unknown.code_known = false;
  metrics.count_request(unknown);
  EXPECT_EQ(count_of(metrics.request_series("", "rest"), 404, OutcomeSeries::kNoCode), 1u);
}

TEST(Metrics, counts_what_is_beyond_its_bounds_without_names) {
  Metrics metrics({.request_series_max = 2,
                   .outcomes_max = 2,
                   .limit_series_max = 1,
                   .upstream_series_max = 1});
  for (const char* method : {"a", "b", "c", "d"}) metrics.count_request(request(method));
  EXPECT_EQ(metrics.requests().size(), 3u);
  EXPECT_EQ(count_of(metrics.request_series("", ""), 200, 0), 2u);

  for (uint16_t status = 200; status < 204; ++status) metrics.count_request(request("a", status));
  EXPECT_EQ(count_of(metrics.request_series("a", "rest"), 0, OutcomeSeries::kNoCode), 2u);

  metrics.count_limit("http.header_bytes_max");
  metrics.count_limit("another");
  metrics.count_limit("and_another");
  EXPECT_EQ(metrics.limits().size(), 2u);
  EXPECT_EQ(metrics.limits().first()->name, "");
  EXPECT_EQ(metrics.limits().first()->hits.value(), 2u);

  EXPECT_NE(&metrics.upstream("users"), &metrics.upstream("orders"));
  EXPECT_EQ(&metrics.upstream("orders"), &metrics.upstream("more"));
}

// The one place where threads meet: a shard counts and makes series while another thread renders.
TEST(ObserveShards, metrics_are_read_while_their_shards_write) {
  constexpr int kRounds = 400;
  constexpr int kMethods = 50;
  Metrics shards[2];
  std::atomic<int> running = 2;
  std::vector<std::thread> writers;
  for (Metrics& shard : shards) {
    writers.emplace_back([&shard, &running] {
      for (int i = 0; i < kRounds; ++i) {
        const std::string method = "shop.v1.Users.M" + std::to_string(i % kMethods);
        shard.count_request(request(method, static_cast<uint16_t>(200 + i % 7)));
        shard.count_limit("limit" + std::to_string(i % 5));
        shard.upstream("u" + std::to_string(i % 3)).streams.add(1);
        shard.client_connections.add(i % 2 == 0 ? 1 : -1);
        shard.metadata_dropped.add();
      }
      running.fetch_sub(1);
    });
  }
  const Metrics* const both[] = {&shards[0], &shards[1]};
  ByteBuffer page;
  do {
    page.clear();
    render_prometheus(both, {}, page);
  } while (running.load() > 0);
  for (std::thread& writer : writers) writer.join();

  page.clear();
  render_prometheus(both, {}, page);
  EXPECT_NE(page.view().find("\nparley_metadata_dropped_total 800\n"), std::string_view::npos);
  EXPECT_NE(page.view().find("parley_request_duration_seconds_count{method=\"shop.v1.Users.M0\","
                             "protocol=\"rest\"} 16\n"),
            std::string_view::npos);
}

}  // namespace
}  // namespace parley::observe
