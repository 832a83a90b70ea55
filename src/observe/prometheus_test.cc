#include "observe/prometheus.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace parley::observe {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

std::string page_of(std::span<const Metrics* const> shards, const ProcessStats& process = {}) {
  ByteBuffer out;
  render_prometheus(shards, process, out);
  return std::string(out.view());
}
std::string page_of(const Metrics& metrics) {
  const Metrics* const one[] = {&metrics};
  return page_of(one);
}

testing::AssertionResult has_line(const std::string& page, const std::string& line) {
  if (("\n" + page).find("\n" + line + "\n") != std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no line " << line << " in\n" << page;
}

void count(Metrics& metrics, std::string_view method, uint16_t status, Code code,
           Duration duration) {
  metrics.count_request({.method = method,
                         .protocol = "grpc",
                         .status = status,
                         .code = code,
                         .code_known = true,
                         .request_bytes = 7,
                         .response_bytes = 11,
                         .duration = duration});
}

TEST(Prometheus, sums_requests_over_shards_by_all_labels) {
  Metrics a;
  Metrics b;
  count(a, "shop.v1.Users.GetUser", 200, Code::Ok, microseconds(300));
  count(b, "shop.v1.Users.GetUser", 200, Code::Ok, microseconds(300));
  count(b, "shop.v1.Users.GetUser", 200, Code::NotFound, microseconds(300));
  const Metrics* const both[] = {&a, &b};
  const std::string page = page_of(both);
  const std::string labels = "method=\"shop.v1.Users.GetUser\",protocol=\"grpc\"";
  EXPECT_TRUE(has_line(page, "# TYPE parley_requests_total counter"));
  EXPECT_TRUE(has_line(page, "parley_requests_total{" + labels + ",status=\"200\",code=\"OK\"} 2"));
  EXPECT_TRUE(
      has_line(page, "parley_requests_total{" + labels + ",status=\"200\",code=\"NOT_FOUND\"} 1"));
  EXPECT_TRUE(has_line(page, "parley_request_bytes_total{" + labels + "} 21"));
  EXPECT_TRUE(has_line(page, "parley_response_bytes_total{" + labels + "} 33"));
}

TEST(Prometheus, histograms_are_cumulative_and_end_with_infinity_sum_and_count) {
  Metrics metrics;
  count(metrics, "m", 200, Code::Ok, microseconds(300));
  count(metrics, "m", 200, Code::Ok, microseconds(600));
  count(metrics, "m", 200, Code::Ok, seconds(90));
  const std::string page = page_of(metrics);
  const std::string name = "parley_request_duration_seconds";
  const std::string labels = "method=\"m\",protocol=\"grpc\"";
  EXPECT_TRUE(has_line(page, "# TYPE " + name + " histogram"));
  EXPECT_TRUE(has_line(page, name + "_bucket{" + labels + ",le=\"0.00025\"} 0"));
  EXPECT_TRUE(has_line(page, name + "_bucket{" + labels + ",le=\"0.0005\"} 1"));
  EXPECT_TRUE(has_line(page, name + "_bucket{" + labels + ",le=\"0.001\"} 2"));
  EXPECT_TRUE(has_line(page, name + "_bucket{" + labels + ",le=\"60\"} 2"));
  EXPECT_TRUE(has_line(page, name + "_bucket{" + labels + ",le=\"+Inf\"} 3"));
  EXPECT_TRUE(has_line(page, name + "_sum{" + labels + "} 90.000900000"));
  EXPECT_TRUE(has_line(page, name + "_count{" + labels + "} 3"));
}

TEST(Prometheus, what_is_not_known_is_an_empty_label) {
  Metrics metrics;
  metrics.count_request({.method = "", .protocol = ""});
  EXPECT_TRUE(has_line(page_of(metrics),
                       "parley_requests_total{method=\"\",protocol=\"\",status=\"\",code=\"\"} 1"));
}

TEST(Prometheus, escapes_label_values) {
  Metrics metrics;
  metrics.upstream("a\"b\\c\nd").connections.set(3);
  EXPECT_TRUE(
      has_line(page_of(metrics), R"(parley_upstream_connections{upstream="a\"b\\c\nd"} 3)"));
}

TEST(Prometheus, shows_upstreams_limits_and_totals) {
  Metrics metrics;
  metrics.upstream("users").streams.set(5);
  metrics.count_limit("http.header_bytes_max");
  metrics.client_connections.set(2);
  metrics.client_connections_total.add(9);
  metrics.tls_handshakes_total.add(7);
  metrics.tls_resumptions_total.add(3);
  metrics.count_tls_failure("certificate");
  metrics.count_proxy_failure("stranger");
  metrics.requests_active.set(1);
  metrics.metadata_dropped.add(4);
  metrics.log_lines_dropped.add(6);
  const std::string page = page_of(metrics);
  EXPECT_TRUE(has_line(page, "parley_upstream_connections{upstream=\"users\"} 0"));
  EXPECT_TRUE(has_line(page, "parley_upstream_streams{upstream=\"users\"} 5"));
  EXPECT_TRUE(has_line(page, "parley_limits_hit_total{limit=\"http.header_bytes_max\"} 1"));
  EXPECT_TRUE(has_line(page, "parley_client_connections 2"));
  EXPECT_TRUE(has_line(page, "parley_client_connections_total 9"));
  EXPECT_TRUE(has_line(page, "parley_tls_handshakes_total 7"));
  EXPECT_TRUE(has_line(page, "parley_tls_resumptions_total 3"));
  EXPECT_TRUE(has_line(page, "parley_tls_failures_total{cause=\"certificate\"} 1"));
  EXPECT_TRUE(has_line(page, "parley_proxy_failures_total{cause=\"stranger\"} 1"));
  EXPECT_TRUE(has_line(page, "parley_requests_active 1"));
  EXPECT_TRUE(has_line(page, "parley_metadata_dropped_total 4"));
  EXPECT_TRUE(has_line(page, "parley_log_lines_dropped_total 6"));
}

TEST(Prometheus, writes_what_is_known_of_the_process) {
  const std::string page = page_of({}, {.version = "0.1.0",
                                        .start_time_seconds = 1'700'000'000.25,
                                        .cpu_seconds = 1.5,
                                        .resident_bytes = 4096,
                                        .open_fds = 12});
  EXPECT_TRUE(has_line(page, "parley_build_info{version=\"0.1.0\"} 1"));
  EXPECT_TRUE(has_line(page, "process_start_time_seconds 1700000000.25"));
  EXPECT_TRUE(has_line(page, "process_cpu_seconds_total 1.5"));
  EXPECT_TRUE(has_line(page, "process_resident_memory_bytes 4096"));
  EXPECT_TRUE(has_line(page, "process_open_fds 12"));
  EXPECT_EQ(page.find("process_max_fds"), std::string::npos);
}

TEST(Prometheus, each_family_is_declared_once_and_stays_together) {
  Metrics metrics;
  count(metrics, "b", 200, Code::Ok, seconds(1));
  count(metrics, "a", 500, Code::Internal, seconds(1));
  const std::string page = page_of(metrics);
  std::set<std::string> declared;
  std::string family;
  for (size_t at = 0; at < page.size();) {
    const size_t end = page.find('\n', at);
    ASSERT_NE(end, std::string::npos) << "the last line ends, too";
    const std::string line = page.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(declared.insert(family).second) << family;
    } else if (!line.starts_with("#")) {
      EXPECT_TRUE(line.starts_with(family)) << line;
    }
  }
  EXPECT_LT(page.find("method=\"a\""), page.find("method=\"b\""));
}

}  // namespace
}  // namespace parley::observe
