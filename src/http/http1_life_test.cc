// How HTTP/1.1 connections end, stall, drain and hold back.
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/http1_connection.h"
#include "http/http1_fake.h"

namespace parley::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Http1Life : public ::testing::Test, protected Http1Scene {};

// A client that goes away

TEST_F(Http1Life, a_fin_before_the_answer_destroys_the_task) {
  ask(get("/wait"));
  client->end();
  settle();
  EXPECT_EQ(service.cancelled, 1u);
  EXPECT_TRUE(service.records.at(0).reset);
  EXPECT_TRUE(served());
}

TEST_F(Http1Life, a_reset_before_the_answer_destroys_the_task) {
  ask(get("/wait"));
  client->reset();
  settle();
  EXPECT_EQ(service.cancelled, 1u);
  EXPECT_TRUE(served());
}

TEST_F(Http1Life, a_fin_inside_of_an_answer_destroys_the_task) {
  ask(get("/late"));
  client->end();
  settle();
  EXPECT_EQ(service.cancelled, 1u);
}

loop::Task<void> read_then_wait(FakeService& service, Exchange& exchange) {
  for (;;) {
    const Result<Bytes> chunk = co_await exchange.read();
    if (!chunk || chunk->empty()) break;
  }
  co_await service.go.wait();
}

TEST_F(Http1Life, a_fin_that_comes_together_with_the_request_is_seen) {
  start();
  client->send(get("/wait"));
  client->end();
  settle();
  EXPECT_EQ(service.cancelled, 1u);
}

TEST_F(Http1Life, a_fin_that_comes_together_with_the_rest_of_a_body_is_seen) {
  service.handlers["/read"] = read_then_wait;
  ask("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  client->send("hello");
  client->end();
  settle();
  EXPECT_EQ(service.cancelled, 1u);
}

TEST_F(Http1Life, a_fin_behind_a_large_body_is_seen_once_that_is_read) {
  service.handlers["/read"] = read_then_wait;
  start();
  client->send(post("/read", std::string(500'000, 'x')));
  client->end();
  settle();
  EXPECT_EQ(service.cancelled, 1u);
}

TEST_F(Http1Life, a_fin_is_seen_behind_a_pipelined_request) {
  ask(get("/wait") + get("/head"));
  client->end();
  settle();
  EXPECT_EQ(service.cancelled, 1u);
  EXPECT_EQ(service.started, 1u);
}

TEST_F(Http1Life, a_fin_is_seen_while_nobody_reads_the_body) {
  ask("POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello");
  client->end();
  settle();
  EXPECT_EQ(service.cancelled, 1u);
}

TEST_F(Http1Life, a_fin_inside_of_a_body_destroys_the_task_that_reads_it) {
  ask("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello");
  client->end();
  settle();
  EXPECT_EQ(service.cancelled, 1u);
  EXPECT_TRUE(service.failures.empty());
  EXPECT_TRUE(served());
}

TEST_F(Http1Life, a_fin_inside_of_a_header_ends_the_connection_without_an_answer) {
  ask("GET / HTTP/1.1\r\nHost");
  client->end();
  EXPECT_EQ(settle(), "");
  EXPECT_TRUE(served());
  EXPECT_EQ(service.started, 0u);
}

TEST_F(Http1Life, a_half_closed_client_is_answered_where_that_is_set) {
  settings.half_close_is_gone = false;
  ask(get("/wait") + get("/head"));
  client->end();
  settle();
  EXPECT_EQ(service.cancelled, 0u);
  service.go.notify();
  EXPECT_EQ(settle(), answer("waited") + answer("GET /head a.example\n"));
  EXPECT_TRUE(served());
}

TEST_F(Http1Life, a_half_closed_body_that_is_short_is_gone_anyway) {
  settings.half_close_is_gone = false;
  ask("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello");
  client->end();
  settle();
  EXPECT_EQ(service.cancelled, 1u);
}

TEST_F(Http1Life, destroying_the_connection_cancels_what_it_serves) {
  ask(get("/wait"));
  tasks.cancel_all();
  settle();
  EXPECT_EQ(service.cancelled, 1u);
  EXPECT_TRUE(service.records.at(0).reset);
  EXPECT_TRUE(client->closed());
}

loop::Task<void> answer_then_wait(FakeService& service, Exchange& exchange) {
  answer_text(exchange, "answered");
  co_await service.go.wait();
}

TEST_F(Http1Life, a_task_whose_answer_is_complete_may_end_in_peace) {
  service.handlers["/after"] = answer_then_wait;
  EXPECT_EQ(ask(get("/after")), answer("answered"));
  client->end();
  settle();
  EXPECT_EQ(service.cancelled, 0u);
  service.go.notify();
  settle();
  EXPECT_EQ(service.completed, 1u);
  EXPECT_TRUE(served());
}

// Time

TEST_F(Http1Life, a_header_that_stops_arriving_is_answered_408) {
  ask("GET / HTTP/1.1\r\nHost");
  fake.advance(settings.header_timeout - milliseconds(5));
  EXPECT_EQ(ask(": a"), "") << "bytes do not move the deadline";
  fake.advance(milliseconds(10));
  EXPECT_EQ(undated(settle()), undated(answer("body_timeout: the header did not arrive in time",
                                              kClose, "408 Request Timeout")));
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Life, the_header_timeout_begins_with_the_first_byte) {
  ask(get("/head"));
  fake.advance(seconds(60));
  ask("GET /head HTTP/1.1\r\n");
  fake.advance(seconds(9));
  EXPECT_EQ(ask("Host: a\r\n\r\n").substr(0, 15), "HTTP/1.1 200 OK");
}

TEST_F(Http1Life, an_idle_connection_is_closed_in_silence) {
  ask(get("/head"));
  fake.advance(settings.keep_alive_timeout - milliseconds(5));
  EXPECT_FALSE(client->closed());
  fake.advance(milliseconds(10));
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(settle(), "");
  EXPECT_EQ(counted(), "http.keep_alive_timeout 1");
}

TEST_F(Http1Life, a_connection_that_says_nothing_is_closed_in_silence) {
  for (const std::string_view said : {"", "\r\n", "PRI * HT"}) {
    SCOPED_TRACE(said);
    Http1Scene scene;
    scene.ask(said);
    scene.fake.advance(scene.settings.header_timeout - milliseconds(5));
    EXPECT_FALSE(scene.client->closed());
    scene.fake.advance(milliseconds(10));
    EXPECT_TRUE(scene.client->ended());
    EXPECT_EQ(scene.settle(), "");
    EXPECT_EQ(scene.counted(), "http.header_timeout 1");
  }
}

TEST_F(Http1Life, a_body_that_stops_arriving_fails_its_read) {
  ask("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhello");
  fake.advance(settings.body_timeout - milliseconds(5));
  EXPECT_EQ(ask(std::string(10'000, 'x')), "");
  fake.advance(settings.body_timeout - milliseconds(5));
  EXPECT_EQ(settle(), "") << "each chunk starts the time anew";
  fake.advance(milliseconds(10));
  EXPECT_EQ(undated(settle()), undated(answer("body_timeout: the body stopped arriving", kClose,
                                              "408 Request Timeout")));
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Life, a_body_that_comes_drop_by_drop_fails_its_read) {
  ask("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
  for (int i = 0; i < 40 && service.failures.empty(); ++i) {
    ask("x");
    fake.advance(seconds(1));
  }
  ASSERT_FALSE(service.failures.empty());
  EXPECT_EQ(service.failures[0],
            "body_timeout: the body arrives too slowly, below 240 bytes a second");
  EXPECT_EQ(service.limits, std::vector<std::string>{"http.body_rate_min"});
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Life, a_body_at_the_least_rate_may_take_its_time) {
  const int parts = 200;
  ask(fmt::format("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                  parts * settings.body_rate_min));
  std::string got;
  for (int i = 0; i < parts; ++i) {
    fake.advance(seconds(1));
    got += ask(std::string(settings.body_rate_min, 'x'));
  }
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got.substr(0, 200);
}

TEST_F(Http1Life, a_body_may_come_as_slowly_as_it_likes_where_no_rate_is_set) {
  settings.body_rate_min = 0;
  ask("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n");
  std::string got;
  for (int i = 0; i < 20; ++i) {
    fake.advance(settings.body_timeout - seconds(1));
    got += ask("x");
  }
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
}

TEST_F(Http1Life, a_service_that_takes_its_time_does_not_fail_the_body) {
  ask("POST /slow-read HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
  for (const char* part : {"a", "b", "c"}) {
    ask(part);
    fake.advance(settings.body_timeout * 3);
    service.go.notify();
    settle();
  }
  service.go.notify();
  settle();
  EXPECT_EQ(service.bodies, std::vector<std::string>{"abc"});
}

TEST_F(Http1Life, chunk_framing_without_data_does_not_extend_the_body_timeout) {
  ask("POST /whole HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 40 && !client->closed(); ++i) {
    ask(i == 0 ? "5;a" : "a");
    fake.advance(seconds(1));
  }
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Life, a_client_that_takes_nothing_is_cut_off) {
  start();
  client->pause();
  ask(get("/big/1000000"));
  EXPECT_EQ(service.completed, 0u);
  fake.advance(settings.write_timeout * 2);
  EXPECT_EQ(service.completed + service.cancelled, 1u);
  EXPECT_TRUE(service.records.at(0).reset);
  EXPECT_EQ(service.records.at(0).limit, "http.write_timeout");
  EXPECT_TRUE(served());
}

TEST_F(Http1Life, a_client_that_takes_drops_is_cut_off) {
  wire->back.capacity = 1000;
  start();
  client->pause();
  ask(get("/big/1000000"));
  for (int i = 0; i < 10 && !served(); ++i) {
    fake.advance(settings.write_timeout - seconds(1));
    client->resume();
    fake.loop.turn(fake.clock.now());
    client->pause();
  }
  EXPECT_TRUE(served());
  EXPECT_EQ(service.records.at(0).limit, "http.write_timeout");
}

TEST_F(Http1Life, a_client_that_takes_its_answer_at_the_least_rate_is_waited_for) {
  wire->back.capacity = settings.body_rate_min * 30;
  start();
  client->pause();
  ask(get("/big/1000000"));
  for (int i = 0; i < 20; ++i) {
    fake.advance(settings.write_timeout - seconds(1));
    client->resume();
    fake.loop.turn(fake.clock.now());
    client->pause();
  }
  EXPECT_FALSE(served());
  client->resume();
  fake.loop.run_until_idle();
  EXPECT_EQ(service.completed, 1u);
}

TEST_F(Http1Life, a_last_answer_reaches_a_slow_client_whole) {
  wire->back.capacity = 1000;
  start();
  client->pause();
  ask(post("/whole", std::string(50'000, 'x'), "Connection: close\r\n"));
  EXPECT_EQ(service.completed, 1u);
  fake.advance(settings.write_timeout - seconds(1));
  EXPECT_FALSE(served());
  client->resume();
  EXPECT_EQ(settle(), answer(std::string(50'000, 'x'), kClose));
  EXPECT_TRUE(client->ended());
}

// Holding back

TEST_F(Http1Life, a_last_answer_that_nobody_takes_is_given_up) {
  wire->back.capacity = 1000;
  start();
  client->pause();
  ask(post("/whole", std::string(50'000, 'x'), kClose));
  fake.advance(settings.write_timeout * 2);
  EXPECT_TRUE(served());
  EXPECT_EQ(counted(), "http.write_timeout 1");
}

TEST_F(Http1Life, an_answer_waits_for_the_client_to_take_it) {
  start();
  client->pause();
  wire->back.capacity = 1000;
  ask(get("/big/1000000"));
  EXPECT_EQ(service.completed, 0u);
  client->resume();
  const std::string got = settle();
  EXPECT_EQ(service.completed, 1u);
  EXPECT_GT(got.size(), 1'000'000u);
  EXPECT_TRUE(got.ends_with("\r\n0\r\n\r\n"));
}

TEST_F(Http1Life, a_client_that_sends_requests_and_reads_nothing_is_held_back) {
  start();
  client->pause();
  wire->back.capacity = 1000;
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += post("/whole", std::string(10'000, 'x'));
  ask(requests);
  EXPECT_LT(service.completed, 20u);
  client->resume();
  settle();
  EXPECT_EQ(service.completed, 100u);
}

TEST_F(Http1Life, a_body_that_nobody_reads_holds_the_client_back) {
  wire->forth.capacity = 64 * 1024;
  const std::string body(1'000'000, 'x');
  ask(post("/slow-read", body));
  EXPECT_GT(client->stream().unsent(), 700'000u);
  for (int i = 0; i < 10'000 && service.bodies.empty(); ++i) {
    service.go.notify();
    fake.loop.run_until_idle();
  }
  ASSERT_EQ(service.bodies.size(), 1u);
  EXPECT_EQ(service.bodies[0], body);
  EXPECT_EQ(service.records.at(0).request_bytes, body.size());
}

// A body that nobody has read

TEST_F(Http1Life, an_unread_body_is_dropped_and_the_connection_goes_on) {
  EXPECT_EQ(
      ask(post("/head", std::string(200'000, 'x')) + get("/head")),
      answer("POST /head a.example\ncontent-length: 200000\n") + answer("GET /head a.example\n"));
  EXPECT_EQ(ask(post_chunked("/head", "3\r\nabc\r\n")),
            answer("POST /head a.example\ntransfer-encoding: chunked\n"));
  EXPECT_EQ(ask("0\r\n\r\n" + get("/head")), answer("GET /head a.example\n"));
}

TEST_F(Http1Life, a_large_unread_body_closes_the_connection) {
  EXPECT_EQ(ask("POST /head HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\nhello"),
            answer("POST /head a\ncontent-length: 300000\n", kClose));
  EXPECT_TRUE(client->ended());
  ask(std::string(300'000, 'x'));
  EXPECT_FALSE(client->broken());
}

TEST_F(Http1Life, an_unread_body_that_does_not_come_closes_the_connection) {
  EXPECT_EQ(ask("POST /head HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello"),
            answer("POST /head a\ncontent-length: 10\n"));
  EXPECT_FALSE(client->closed());
  fake.advance(Http1Connection::kDrainTime + milliseconds(5));
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Life, an_unread_chunked_body_is_dropped_to_a_limit) {
  std::string chunks;
  for (int i = 0; i < 100; ++i) chunks += "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
  ask(post_chunked("/head", chunks));
  EXPECT_TRUE(client->ended());
  EXPECT_FALSE(client->broken());
}

// Drain

constexpr Duration kDrainIdle = seconds(20);

TEST_F(Http1Life, a_drain_closes_after_the_answer_in_progress) {
  ask(get("/wait") + get("/head"));
  drain.start(kDrainIdle);
  EXPECT_EQ(settle(), "");
  service.go.notify();
  EXPECT_EQ(settle(), answer("waited", kClose));
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(service.started, 1u);
}

TEST_F(Http1Life, an_idle_connection_may_be_used_once_more_in_a_drain) {
  ask(get("/head"));
  drain.start(kDrainIdle);
  fake.advance(kDrainIdle - milliseconds(5));
  EXPECT_FALSE(client->closed());
  EXPECT_EQ(undated(ask(get("/head"))), undated(answer("GET /head a.example\n", kClose)));
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Life, an_idle_connection_is_closed_a_while_after_a_drain_began) {
  ask(get("/head"));
  fake.advance(seconds(50));
  drain.start(kDrainIdle);
  fake.advance(kDrainIdle - milliseconds(5));
  EXPECT_FALSE(client->closed());
  fake.advance(milliseconds(10));
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(counted(), "");
}

TEST_F(Http1Life, a_connection_ends_with_as_many_requests_as_it_may_have) {
  settings.requests_per_connection_max = 3;
  EXPECT_EQ(ask(get("/head")), answer("GET /head a.example\n"));
  EXPECT_EQ(ask(get("/head") + get("/head") + get("/head")),
            answer("GET /head a.example\n") + answer("GET /head a.example\n", kClose));
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(service.started, 3u);
  EXPECT_EQ(counted(), "http.requests_per_connection_max 1");
}

TEST_F(Http1Life, a_last_request_by_the_clients_own_word_is_no_limit) {
  settings.requests_per_connection_max = 1;
  EXPECT_EQ(ask(get("/head", kClose)).substr(0, 15), "HTTP/1.1 200 OK");
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(counted(), "");
}

// The record

TEST_F(Http1Life, the_record_counts_bodies_without_framing) {
  ask(post_chunked("/echo", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  const Record& record = service.records.at(0);
  EXPECT_EQ(record.request_bytes, 5u);
  EXPECT_EQ(record.response_bytes, 5u);
  EXPECT_EQ(record.status, 200);
  EXPECT_FALSE(record.reset);
  EXPECT_EQ(record.started, fake.clock.now());
}

TEST_F(Http1Life, the_record_of_a_reset_before_the_head_has_no_status) {
  ask(get("/wait"));
  client->reset();
  settle();
  EXPECT_EQ(service.records.at(0).status, 0);
}

}  // namespace
}  // namespace parley::http
