#include "edge/access_log.h"

#include <string>

#include <gtest/gtest.h>

#include "edge/exchange_fake.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "observe/prometheus.h"

namespace parley::edge {
namespace {

using std::chrono::milliseconds;

// Keeps what it is given.
class KeptOutput final : public LogOutput {
 public:
  explicit KeptOutput(std::string& text) : text_(text) {}
  size_t write(std::string_view lines) override {
    text_ += lines;
    return lines.size();
  }
  bool broken() const override { return false; }

 private:
  std::string& text_;
};

// Answers as a door would: notes what it knows, and waits where the path says so.
class FakeDoor final : public http::ExchangeService {
 public:
  explicit FakeDoor(loop::Loop& loop) : go(loop) {}

  loop::Task<void> serve(http::Exchange& exchange) override {
    http::Record& record = exchange.record();
    record.protocol = "rest";
    record.method = "shop.v1.Users.GetUser";
    record.request_id = "4f2a";
    record.endpoint = "127.0.0.1:50051";
    if (exchange.request().target() == "/nothing") co_return;
    if (exchange.request().target().starts_with("/wait")) co_await go.wait();
    record.code_known = true;
    exchange.begin({200, {}});
    exchange.finish_with(Bytes::copy("{}"));
  }
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override {
    exchange.record().code = failure.code();
    exchange.record().code_known = true;
    exchange.record().reason = failure.message();
    exchange.begin({failure.http_status(), {}}, true);
    co_return;
  }

  loop::Signal go;
};

class AccessLogTest : public testing::Test {
 protected:
  std::string metrics_text() const {
    const observe::Metrics* const shards[] = {&metrics};
    ByteBuffer out;
    observe::render_prometheus(shards, {}, out);
    return std::string(out.view());
  }
  bool counted(std::string_view line) const {
    return metrics_text().find(line) != std::string::npos;
  }
  const std::string& logged() {
    fake.advance(milliseconds(100));
    return text;
  }

  loop::FakeLoop fake;
  observe::Metrics metrics;
  FakeDoor door{fake.loop};
  std::string text;
  LogSink sink{fake.loop, std::make_unique<KeptOutput>(text), {}, metrics.log_lines_dropped};
  AccessLog log{fake.loop, door, metrics, &sink};
  loop::TaskSet tasks{fake.loop};
};

TEST_F(AccessLogTest, counts_and_logs_an_answered_request) {
  FakeExchange exchange(fake.loop, "GET", "/v1/users/1?q=secret");
  tasks.spawn(log.serve(exchange));
  fake.loop.run_until_idle();
  EXPECT_TRUE(
      counted("parley_requests_total{method=\"shop.v1.Users.GetUser\",protocol=\"rest\","
              "status=\"200\",code=\"OK\"} 1\n"));
  EXPECT_TRUE(counted("parley_requests_active 0\n"));
  EXPECT_EQ(logged(),
            "2023-11-14T22:13:20.000Z 127.0.0.1       GET    200 OK                   0us       0"
            "       2 /v1/users/1 shop.v1.Users.GetUser 127.0.0.1:50051 4f2a\n");
}

TEST_F(AccessLogTest, writes_json_for_machines) {
  LogSink json(fake.loop, std::make_unique<KeptOutput>(text), {.format = LogFormat::Json},
               metrics.log_lines_dropped);
  AccessLog json_log(fake.loop, door, metrics, &json);
  FakeExchange exchange(fake.loop, "GET", "/v1/users/1");
  tasks.spawn(json_log.serve(exchange));
  fake.loop.run_until_idle();
  EXPECT_TRUE(logged().starts_with(
      R"({"time":"2023-11-14T22:13:20.000Z","client":"127.0.0.1","http":"HTTP/2","verb":"GET",)"));
}

TEST_F(AccessLogTest, measures_from_the_first_byte_and_dates_the_line_by_it) {
  FakeExchange exchange(fake.loop, "GET", "/wait");
  tasks.spawn(log.serve(exchange));
  fake.advance(milliseconds(42));
  EXPECT_TRUE(counted("parley_requests_active 1\n"));
  door.go.notify();
  fake.loop.run_until_idle();
  EXPECT_TRUE(
      counted("parley_request_duration_seconds_sum{method=\"shop.v1.Users.GetUser\","
              "protocol=\"rest\"} 0.042000000\n"));
  EXPECT_TRUE(logged().starts_with("2023-11-14T22:13:20.000Z ")) << text;
  EXPECT_NE(text.find(" 42.0ms "), std::string::npos) << text;
}

TEST_F(AccessLogTest, a_client_that_goes_away_is_counted_and_logged) {
  FakeExchange exchange(fake.loop, "GET", "/wait");
  const auto id = tasks.spawn(log.serve(exchange));
  fake.loop.run_until_idle();
  exchange.record().reset = true;  // as its connection does
  tasks.cancel(id);
  EXPECT_TRUE(counted("status=\"\",code=\"CANCELLED\"} 1\n"));
  EXPECT_TRUE(counted("parley_requests_active 0\n"));
  EXPECT_TRUE(logged().ends_with(" 4f2a reset cancelled before the answer was complete\n")) << text;
}

TEST_F(AccessLogTest, keeps_the_code_of_an_answer_that_was_cut_off) {
  FakeExchange exchange(fake.loop, "GET", "/wait");
  const auto id = tasks.spawn(log.serve(exchange));
  fake.loop.run_until_idle();
  exchange.record().reset = true;
  exchange.record().code = Code::DeadlineExceeded;
  exchange.record().code_known = true;
  tasks.cancel(id);
  EXPECT_TRUE(counted("code=\"DEADLINE_EXCEEDED\"} 1\n"));
}

TEST_F(AccessLogTest, a_service_that_does_not_answer_counts_as_reset) {
  FakeExchange exchange(fake.loop, "GET", "/nothing");
  tasks.spawn(log.serve(exchange));
  fake.loop.run_until_idle();
  EXPECT_TRUE(counted("status=\"\",code=\"\"} 1\n"));
  EXPECT_TRUE(logged().ends_with(" reset\n")) << text;
}

TEST_F(AccessLogTest, counts_the_limit_that_refused_a_request) {
  FakeExchange exchange(fake.loop, "GET", "/");
  tasks.spawn(log.refuse(
      exchange,
      Failure(Reason::HeadersTooLarge, "too large").with_limit("http.header_bytes_max").take()));
  fake.loop.run_until_idle();
  EXPECT_TRUE(counted("parley_limits_hit_total{limit=\"http.header_bytes_max\"} 1\n"));
  EXPECT_TRUE(counted("parley_requests_total{method=\"\",protocol=\"\",status=\"431\","));
  EXPECT_TRUE(logged().ends_with(" too large\n")) << text;
}

TEST_F(AccessLogTest, counts_the_limit_that_a_door_has_noted) {
  FakeExchange exchange(fake.loop, "GET", "/wait");
  tasks.spawn(log.serve(exchange));
  fake.loop.run_until_idle();
  exchange.record().limit = "upstreams.shop.pending_max";
  door.go.notify();
  fake.loop.run_until_idle();
  EXPECT_TRUE(counted("parley_limits_hit_total{limit=\"upstreams.shop.pending_max\"} 1\n"));
}

TEST_F(AccessLogTest, without_a_sink_it_counts_alone) {
  AccessLog silent(fake.loop, door, metrics, nullptr);
  FakeExchange exchange(fake.loop, "GET", "/");
  tasks.spawn(silent.serve(exchange));
  fake.loop.run_until_idle();
  EXPECT_TRUE(counted("code=\"OK\"} 1\n"));
  EXPECT_EQ(logged(), "");
}

TEST_F(AccessLogTest, names_clients_of_every_address_family) {
  FakeExchange v6(fake.loop, "GET", "/");
  v6.peer_address = *net::Address::parse("[2001:db8::7]:443");
  FakeExchange local(fake.loop, "GET", "/");
  local.peer_address = *net::Address::parse("unix:@parley");
  FakeExchange nameless(fake.loop, "GET", "/");
  nameless.peer_address = {};
  for (FakeExchange* exchange : {&v6, &local, &nameless}) tasks.spawn(log.serve(*exchange));
  fake.loop.run_until_idle();
  EXPECT_NE(logged().find("Z 2001:db8::7     GET "), std::string::npos) << text;
  EXPECT_NE(text.find("Z unix            GET "), std::string::npos) << text;
  EXPECT_NE(text.find("Z -               GET "), std::string::npos) << text;
}

}  // namespace
}  // namespace parley::edge
