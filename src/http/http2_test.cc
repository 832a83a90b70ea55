#include <string>

#include <gtest/gtest.h>

#include "http/client.h"
#include "http/server.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/net_fake.h"

namespace parley::http {
namespace {

using loop::FakeLoop;
using loop::Task;
using loop::TaskSet;
using std::chrono::seconds;

// Echoes bodies; `/slow` never answers, `/stream` writes until told, `/early` answers before the
// body's end.
class EchoService final : public ExchangeService {
 public:
  explicit EchoService(loop::Loop& loop) : never_(loop) {}

  Task<void> serve(Exchange& exchange) override {
    const Alive alive{*this};
    const std::string target(exchange.request().target());
    ResponseHead head;
    head.fields.add("x-verb", exchange.request().verb());
    head.fields.add("x-authority", exchange.request().authority());
    if (target == "/slow") co_await never_.wait();
    if (target == "/early") {
      exchange.begin(std::move(head));
      exchange.finish();
      co_return;
    }
    if (target == "/flood") {
      exchange.begin(std::move(head));
      while (flooded < flood_max) {
        const auto written = co_await exchange.write(Bytes::copy(std::string(10'000, 'f')));
        if (!written) co_return;
        flooded += 10'000;
      }
      exchange.finish();
      co_return;
    }
    exchange.begin(std::move(head));
    for (;;) {
      auto chunk = co_await exchange.read();
      if (!chunk) co_return;
      if (chunk->empty()) break;
      if (!co_await exchange.write(*std::move(chunk))) co_return;
    }
    Fields trailers;
    trailers.add("grpc-status", "0");
    for (const Field field : exchange.trailers()) trailers.add(field.name, field.value);
    exchange.finish(std::move(trailers));
  }

  Task<void> refuse(Exchange& exchange, Failure failure) override {
    ResponseHead head;
    head.status = failure.http_status();
    exchange.begin(std::move(head), true);
    co_return;
  }

  int serving = 0;
  size_t flooded = 0;
  size_t flood_max = 10'000'000;

 private:
  struct Alive {
    explicit Alive(EchoService& of) : service(of) { ++service.serving; }
    ~Alive() { --service.serving; }
    EchoService& service;
  };
  loop::Signal never_;
};

Fields request_head(std::string_view verb, std::string_view target) {
  Fields head;
  head.add(":method", verb);
  head.add(":scheme", "http");
  head.add(":authority", "shop.test");
  head.add(":path", target);
  return head;
}

// A client and a server connection over memory.
class Http2 : public testing::Test {
 protected:
  Http2() { connect(); }

  void connect() {
    wire = std::make_shared<net::MemoryWire>(fake.loop);
    auto [ours, theirs] = net::memory_pair(fake.loop, wire);
    server.spawn(serve_http2(std::move(theirs), {}, context));
    client = make_h2_client(std::move(ours), client_settings);
    fake.loop.run_until_idle();
  }

  struct Answer {
    uint16_t status = 0;
    std::string body;
    std::string trailers;
    std::string failure;
    Remedy remedy = Remedy::None;
    bool done = false;
  };
  static std::string text(const Fields& fields) {
    std::string all;
    for (const Field field : fields)
      all += std::string(field.name) + "=" + std::string(field.value) + ";";
    return all;
  }
  static Task<void> collect(ClientExchange& exchange, Answer& answer) {
    auto head = co_await exchange.head();
    if (head) {
      answer.status = head->status;
      for (;;) {
        auto chunk = co_await exchange.read();
        if (!chunk) {
          answer.failure = chunk.error().message();
          answer.remedy = chunk.error().remedy();
          break;
        }
        if (chunk->empty()) break;
        answer.body += chunk->view();
      }
      answer.trailers = text(exchange.trailers());
    } else {
      answer.failure = head.error().message();
      answer.remedy = head.error().remedy();
    }
    answer.done = true;
  }
  static Task<void> send_all(ClientExchange& exchange, std::string body, size_t piece) {
    for (size_t at = 0; at < body.size(); at += piece) {
      if (!co_await exchange.write(Bytes::copy(std::string_view(body).substr(at, piece)), false))
        co_return;
    }
    exchange.finish();
  }

  FakeLoop fake;
  Settings settings;
  ClientSettings client_settings;
  EchoService service{fake.loop};
  Drain drain{fake.loop};
  ServerContext context{fake.loop, service, settings, drain};
  std::shared_ptr<net::MemoryWire> wire;
  TaskSet server{fake.loop};
  std::unique_ptr<ClientConnection> client;
  TaskSet tasks{fake.loop};
};

TEST_F(Http2, echoes_a_body_and_sends_trailers) {
  auto exchange = client->open(request_head("POST", "/echo"), false);
  Answer answer;
  tasks.spawn(send_all(*exchange, "hello", 5));
  tasks.spawn(collect(*exchange, answer));
  fake.loop.run_until_idle();
  ASSERT_TRUE(answer.done);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.trailers, "grpc-status=0;");
  exchange.reset();
  fake.loop.run_until_idle();
  EXPECT_EQ(client->streams(), 0u);
  EXPECT_EQ(service.serving, 0);
}

TEST_F(Http2, carries_large_bodies_through_its_windows_in_one_byte_reads) {
  wire->forth.read_bytes_max = 7;
  wire->back.read_bytes_max = 11;
  auto exchange = client->open(request_head("POST", "/echo"), false);
  Answer answer;
  const std::string body(600'000, 'b');
  tasks.spawn(send_all(*exchange, body, 50'000));
  tasks.spawn(collect(*exchange, answer));
  fake.loop.run_until_idle();
  ASSERT_TRUE(answer.done);
  EXPECT_EQ(answer.body.size(), body.size());
}

TEST_F(Http2, cancels_the_service_when_the_client_drops_the_exchange) {
  auto exchange = client->open(request_head("GET", "/slow"), true);
  fake.loop.run_until_idle();
  EXPECT_EQ(service.serving, 1);
  exchange.reset();
  fake.loop.run_until_idle();
  EXPECT_EQ(service.serving, 0);
  EXPECT_TRUE(client->available());
}

TEST_F(Http2, cancels_everything_when_the_connection_breaks) {
  auto first = client->open(request_head("GET", "/slow"), true);
  auto second = client->open(request_head("GET", "/slow"), true);
  Answer answer;
  tasks.spawn(collect(*first, answer));
  fake.loop.run_until_idle();
  EXPECT_EQ(service.serving, 2);
  wire->reset();
  fake.loop.run_until_idle();
  EXPECT_EQ(service.serving, 0);
  EXPECT_TRUE(answer.done);
  EXPECT_EQ(answer.failure, "the connection to the upstream broke");
  EXPECT_EQ(answer.remedy, Remedy::None);
  EXPECT_FALSE(client->alive());
  EXPECT_TRUE(server.empty());
}

TEST_F(Http2, a_stalled_reader_holds_back_its_stream_alone) {
  auto flood = client->open(request_head("GET", "/flood"), true);
  fake.loop.run_until_idle();
  EXPECT_LE(service.flooded, client_settings.stream_window_bytes + 2 * settings.write_buffer_bytes);
  auto other = client->open(request_head("POST", "/echo"), false);
  Answer answer;
  const std::string body(500'000, 'x');
  tasks.spawn(send_all(*other, body, 10'000));
  tasks.spawn(collect(*other, answer));
  fake.loop.run_until_idle();
  EXPECT_EQ(answer.body.size(), body.size());
  Answer flooded;
  tasks.spawn(collect(*flood, flooded));
  fake.loop.run_until_idle();
  EXPECT_EQ(flooded.body.size(), service.flood_max);
}

TEST_F(Http2, refuses_a_header_over_the_limit_and_goes_on) {
  settings.header_bytes_max = 8000;
  connect();
  Fields head = request_head("GET", "/echo");
  head.add("x-big", std::string(settings.header_bytes_max, 'h'));
  auto big = client->open(std::move(head), true);
  auto good = client->open(request_head("GET", "/echo"), true);
  Answer refused;
  Answer answer;
  tasks.spawn(collect(*big, refused));
  tasks.spawn(collect(*good, answer));
  fake.loop.run_until_idle();
  EXPECT_EQ(refused.status, 431);
  EXPECT_EQ(answer.status, 200);
}

TEST_F(Http2, refuses_a_host_that_contradicts_the_authority) {
  Fields head = request_head("GET", "/echo");
  head.add("host", "evil.test");
  auto exchange = client->open(std::move(head), true);
  Answer answer;
  tasks.spawn(collect(*exchange, answer));
  fake.loop.run_until_idle();
  EXPECT_EQ(answer.status, 400);
}

TEST_F(Http2, an_early_answer_waits_for_the_request_to_end) {
  auto exchange = client->open(request_head("POST", "/early"), false);
  Answer answer;
  tasks.spawn(collect(*exchange, answer));
  fake.loop.run_until_idle();
  EXPECT_TRUE(answer.done);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(exchange->reset_code(), -1);
  tasks.spawn(send_all(*exchange, std::string(200'000, 'x'), 10'000));
  fake.loop.run_until_idle();
  EXPECT_EQ(exchange->reset_code(), -1);
  exchange.reset();
  fake.loop.run_until_idle();
  EXPECT_EQ(client->streams(), 0u);
}

TEST_F(Http2, an_early_answer_stops_a_request_that_does_not_end_without_an_error) {
  auto exchange = client->open(request_head("POST", "/early"), false);
  Answer answer;
  tasks.spawn(collect(*exchange, answer));
  fake.advance(seconds(2));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.failure, "");
  EXPECT_EQ(client->streams(), 0u);
}

TEST_F(Http2, drains_with_goaway_and_lets_running_streams_end) {
  auto exchange = client->open(request_head("POST", "/echo"), false);
  Answer answer;
  tasks.spawn(collect(*exchange, answer));
  fake.loop.run_until_idle();
  drain.start(seconds(5));
  fake.loop.run_until_idle();
  EXPECT_TRUE(client->going_away());
  EXPECT_FALSE(client->available());
  EXPECT_FALSE(answer.done);
  tasks.spawn(send_all(*exchange, "late", 4));
  fake.loop.run_until_idle();
  EXPECT_EQ(answer.body, "late");
  exchange.reset();
  fake.advance(std::chrono::milliseconds(2));
  EXPECT_TRUE(server.empty());
  EXPECT_FALSE(client->alive());
}

TEST_F(Http2, closes_a_connection_that_stays_idle) {
  fake.advance(settings.idle_timeout + seconds(31));
  EXPECT_TRUE(server.empty());
  EXPECT_FALSE(client->alive());
}

TEST_F(Http2, pings_a_silent_upstream_only_while_calls_are_open) {
  settings.idle_timeout = std::chrono::hours(10);
  connect();
  fake.advance(client_settings.ping_interval * 3);
  wire->back.stall();
  EXPECT_TRUE(client->alive());
  auto exchange = client->open(request_head("GET", "/slow"), true);
  Answer answer;
  tasks.spawn(collect(*exchange, answer));
  fake.advance(client_settings.ping_interval * 2 + client_settings.ping_timeout);
  EXPECT_FALSE(client->alive());
  EXPECT_TRUE(answer.done);
  EXPECT_EQ(client->end_reason(),
            "the upstream did not answer a ping (limit upstreams.NAME.ping_timeout)");
}

TEST_F(Http2, survives_garbage_instead_of_frames) {
  auto [ours, theirs] = net::memory_pair(fake.loop);
  net::MemoryPeer peer(std::move(ours));
  server.spawn(serve_http2(std::move(theirs), {}, context));
  peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string(100, '\xFF'));
  fake.loop.run_until_idle();
  EXPECT_TRUE(peer.closed());
}

TEST_F(Http2, goes_on_when_a_full_connection_has_taken_its_output) {
  // No WINDOW_UPDATE comes that would happen to wake the server.
  client_settings.stream_window_bytes = 16 << 20;
  client_settings.connection_window_bytes = 64 << 20;
  connect();
  std::vector<std::unique_ptr<ClientExchange>> floods;
  std::vector<Answer> answers(10);
  for (Answer& answer : answers) {
    floods.push_back(client->open(request_head("GET", "/flood"), true));
    tasks.spawn(collect(*floods.back(), answer));
  }
  fake.loop.run_until_idle();
  size_t received = 0;
  for (const Answer& answer : answers) {
    EXPECT_TRUE(answer.done);
    received += answer.body.size();
  }
  EXPECT_EQ(received, service.flooded);
  EXPECT_GE(received, service.flood_max);
}

TEST_F(Http2, a_drained_connection_keeps_its_last_answer_until_it_was_taken) {
  settings.stream_window_bytes = client_settings.stream_window_bytes = 1 << 20;
  connect();
  auto exchange = client->open(request_head("POST", "/echo"), false);
  Answer answer;
  tasks.spawn(collect(*exchange, answer));
  fake.loop.run_until_idle();
  drain.start(seconds(5));
  fake.loop.run_until_idle();
  wire->back.stall();
  tasks.spawn(send_all(*exchange, std::string(400'000, 'l'), 10'000));
  fake.loop.run_until_idle();
  EXPECT_EQ(service.serving, 0);
  wire->back.resume();
  fake.loop.run_until_idle();
  EXPECT_EQ(answer.failure, "");
  EXPECT_EQ(answer.body.size(), 400'000u);
  exchange.reset();
  fake.advance(seconds(3));
  EXPECT_FALSE(client->alive());
}

TEST_F(Http2, an_exchange_that_is_dropped_before_it_left_leaves_nothing_behind) {
  auto dropped = client->open(request_head("POST", "/echo"), false);
  auto kept = client->open(request_head("POST", "/echo"), false);
  auto last = client->open(request_head("POST", "/echo"), false);
  tasks.spawn(send_all(*dropped, "nobody reads this", 4));
  dropped.reset();
  last.reset();
  Answer answer;
  tasks.cancel_all();
  tasks.spawn(send_all(*kept, "kept", 4));
  tasks.spawn(collect(*kept, answer));
  fake.loop.run_until_idle();
  EXPECT_EQ(answer.body, "kept");
  EXPECT_EQ(client->streams(), 0u);
  EXPECT_EQ(service.serving, 0);
}

TEST_F(Http2, an_exchange_outlives_its_connection) {
  auto ended = client->open(request_head("GET", "/echo"), true);
  auto running = client->open(request_head("POST", "/echo"), false);
  fake.loop.run_until_idle();
  client.reset();
  Answer first;
  Answer second;
  tasks.spawn(collect(*ended, first));
  tasks.spawn(collect(*running, second));
  tasks.spawn(send_all(*running, "late", 4));
  fake.loop.run_until_idle();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(second.failure, "the connection to the upstream broke");
  running->finish();
  running->abort();
}

TEST_F(Http2, ends_connections_that_take_no_bytes_for_long) {
  client_settings.stream_window_bytes = 16 << 20;
  client_settings.connection_window_bytes = 64 << 20;
  connect();
  wire->back.stall();
  auto flood = client->open(request_head("GET", "/flood"), true);
  fake.advance(settings.write_timeout - seconds(1));
  EXPECT_EQ(service.serving, 1);
  fake.advance(settings.header_timeout * 2);
  EXPECT_EQ(service.serving, 0);
}

TEST_F(Http2, does_not_offer_a_request_again_whose_head_has_left) {
  constexpr size_t kHeadBytes = 10'060;  // at most, on the wire
  wire->forth.capacity = 0;
  std::vector<std::unique_ptr<ClientExchange>> exchanges;
  std::vector<Answer> answers(40);
  for (Answer& answer : answers) {
    Fields head = request_head("GET", "/echo");
    head.add("x-big", std::string(10'000, '~'));  // '~' does not get shorter by HPACK
    exchanges.push_back(client->open(std::move(head), true));
    tasks.spawn(collect(*exchanges.back(), answer));
  }
  fake.loop.run_until_idle();
  wire->reset();
  fake.loop.run_until_idle();
  size_t left = 0;
  for (const Answer& answer : answers) left += answer.remedy == Remedy::None ? 1 : 0;
  EXPECT_GE(left * kHeadBytes, 256u * 1024) << left;
  EXPECT_LT(left, answers.size());
}

TEST_F(Http2, destroying_the_server_in_the_middle_leaves_nothing_behind) {
  auto exchange = client->open(request_head("GET", "/slow"), true);
  fake.loop.run_until_idle();
  server.cancel_all();
  EXPECT_EQ(service.serving, 0);
  fake.loop.run_until_idle();
  EXPECT_FALSE(client->alive());
}

}  // namespace
}  // namespace parley::http
