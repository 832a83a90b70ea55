#include "http/http1_connection.h"

#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/http1_fake.h"

namespace parley::http {
namespace {

using std::chrono::milliseconds;

class Http1Server : public ::testing::Test, protected Http1Scene {};

TEST_F(Http1Server, answers_a_get_with_length_and_date) {
  EXPECT_EQ(ask(get("/head", "X-One: 1\r\n")), answer("GET /head a.example\nx-one: 1\n"));
  EXPECT_FALSE(client->closed());
}

TEST_F(Http1Server, serves_one_request_after_the_other) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(post("/whole", "hello")), answer("hello"));
  EXPECT_EQ(service.completed, 3u);
  EXPECT_FALSE(client->closed());
}

TEST_F(Http1Server, answers_pipelined_requests_in_order) {
  std::string requests;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string body = fmt::format("{}", i);
    requests += post("/whole", body);
    expected += answer(body);
  }
  EXPECT_EQ(ask(requests), expected);
}

TEST_F(Http1Server, begins_a_pipelined_request_after_the_former_is_answered) {
  EXPECT_EQ(ask(get("/wait") + get("/head")), "");
  EXPECT_EQ(service.started, 1u);
  service.go.notify();
  fake.loop.run_until_idle();
  EXPECT_EQ(client->take_received(), answer("waited") + answer("GET /head a.example\n"));
}

TEST_F(Http1Server, reads_byte_by_byte_the_same) {
  wire->forth.read_bytes_max = 1;
  EXPECT_EQ(
      ask(post("/whole", "hello") + post_chunked("/whole", "3\r\nabc\r\n0\r\n\r\n") + get("/head")),
      answer("hello") + answer("abc") + answer("GET /head a.example\n"));
}

TEST_F(Http1Server, streams_chunks_when_the_length_is_not_known) {
  EXPECT_EQ(ask(post("/echo", "hello", "Content-Type: text/plain\r\n")),
            chunked_head() + "5\r\nhello\r\n0\r\n\r\n");
}

TEST_F(Http1Server, sends_the_head_by_the_end_of_the_turn) {
  EXPECT_EQ(ask(get("/late")), chunked_head());
  service.go.notify();
  fake.loop.run_until_idle();
  EXPECT_EQ(client->take_received(), "4\r\nlate\r\n0\r\n\r\n");
}

TEST_F(Http1Server, passes_trailers_to_a_client_that_takes_them) {
  const std::string chunks = "1\r\nx\r\n0\r\nX-Sum: 7\r\nHost: evil\r\n\r\n";
  EXPECT_EQ(ask(post_chunked("/echo", chunks, "Content-Type: text/plain\r\nTE: trailers\r\n")),
            chunked_head() + "1\r\nx\r\n0\r\nx-sum: 7\r\n\r\n");
  EXPECT_EQ(ask(post_chunked("/echo", chunks, "Content-Type: text/plain\r\n")),
            chunked_head() + "1\r\nx\r\n0\r\n\r\n");
}

TEST_F(Http1Server, writes_large_bodies_whole_and_frames_large_chunks) {
  const std::string large(20'000, 'x');
  EXPECT_EQ(ask(post("/whole", large)), answer(large));
  const std::string got = ask(get("/big/40000"));
  const std::string part = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
  EXPECT_EQ(got,
            chunked_head() + part + part + "1c40\r\n" + std::string(0x1c40, 'x') + "\r\n0\r\n\r\n");
}

TEST_F(Http1Server, says_nothing_of_a_length_with_204) {
  EXPECT_EQ(ask(get("/empty")), fmt::format("HTTP/1.1 204 No Content\r\n{}\r\n", kDate));
  EXPECT_EQ(ask(get("/head")), answer("GET /head a.example\n"));
}

TEST_F(Http1Server, answers_head_without_body_but_with_its_length) {
  EXPECT_EQ(
      ask("HEAD /head HTTP/1.1\r\nHost: a.example\r\n\r\n"),
      fmt::format("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n{}content-length: 21\r\n\r\n",
                  kDate));
  EXPECT_EQ(ask("HEAD /big/40000 HTTP/1.1\r\nHost: a.example\r\n\r\n"),
            fmt::format("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n{}\r\n", kDate));
  EXPECT_EQ(ask(get("/head")), answer("GET /head a.example\n"));
  EXPECT_EQ(service.records[0].response_bytes, 0u);
}

TEST_F(Http1Server, sends_interim_answers) {
  EXPECT_EQ(
      ask(get("/inform")),
      "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n" + answer("informed"));
  EXPECT_EQ(ask("GET /inform HTTP/1.0\r\n\r\n"), answer("informed", kClose));
}

// HTTP/1.0

TEST_F(Http1Server, closes_after_an_http10_request) {
  EXPECT_EQ(ask("GET /head HTTP/1.0\r\n\r\n"), answer("GET /head \n", kClose));
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Server, keeps_an_http10_connection_that_asks_for_it) {
  EXPECT_EQ(ask("GET /wait HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "");
  service.go.notify();
  fake.loop.run_until_idle();
  EXPECT_EQ(client->take_received(), answer("waited", "connection: keep-alive\r\n"));
  EXPECT_FALSE(client->closed());
}

TEST_F(Http1Server, ends_an_http10_answer_of_unknown_length_by_closing) {
  EXPECT_EQ(
      ask("POST /echo HTTP/1.0\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi"),
      fmt::format("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n{}{}\r\nhi", kDate, kClose));
  EXPECT_TRUE(client->ended());
}

// Expect

TEST_F(Http1Server, sends_100_when_the_body_is_first_read) {
  EXPECT_EQ(ask("POST /whole HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                "Content-Length: 5\r\n\r\n"),
            "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(ask("hello"), answer("hello"));
}

TEST_F(Http1Server, sends_no_100_when_the_body_came_anyway) {
  EXPECT_EQ(ask(post("/whole", "hello", "Expect: 100-continue\r\n")), answer("hello"));
}

TEST_F(Http1Server, closes_when_a_body_that_was_not_asked_for_may_come_or_not) {
  EXPECT_EQ(ask("POST /head HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                "Content-Length: 5\r\n\r\n"),
            answer("POST /head a\nexpect: 100-continue\ncontent-length: 5\n", kClose));
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Server, refuses_other_expectations_with_417) {
  EXPECT_EQ(ask(get("/head", "Expect: more\r\n")),
            answer("expectation_failed: only 100-continue can be expected", "",
                   "417 Expectation Failed"));
  EXPECT_EQ(ask(post("/head", "hello", "Expect: more\r\n")),
            answer("expectation_failed: only 100-continue can be expected", kClose,
                   "417 Expectation Failed"));
  EXPECT_EQ(service.started, 0u);
}

// Refusals

TEST_F(Http1Server, refuses_what_is_malformed_and_closes) {
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost : a\r\n\r\n" + get("/head")),
            answer("request_malformed: header line 1: space before the colon", kClose,
                   "400 Bad Request"));
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(service.started, 0u);
  client->end();
  fake.loop.run_until_idle();
  EXPECT_TRUE(served());
}

TEST_F(Http1Server, answers_a_tls_hello_at_its_first_bytes) {
  const std::string got = ask(std::string_view("\x16\x03\x01\x02\x00", 5));
  EXPECT_TRUE(got.starts_with("HTTP/1.1 400 Bad Request\r\n")) << got;
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Server, fails_the_read_of_a_malformed_chunk_and_closes) {
  EXPECT_EQ(
      ask(post_chunked("/whole", "3\r\nabcd\r\n0\r\n\r\n")),
      answer("request_malformed: chunk 1: no CRLF after its data", kClose, "400 Bad Request"));
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Server, cuts_an_answer_off_when_the_body_turns_out_malformed) {
  const std::string got = ask(post_chunked("/echo", "3\r\nabc\r\nzz\r\n"));
  EXPECT_EQ(got, chunked_head() + "3\r\nabc\r\n");
  EXPECT_TRUE(client->ended());
  EXPECT_TRUE(service.records.at(0).reset);
}

// The end

TEST_F(Http1Server, closes_when_the_client_asks_for_it) {
  EXPECT_EQ(ask(get("/head", "Connection: close\r\n")),
            answer("GET /head a.example\nconnection: close\n", kClose));
  EXPECT_TRUE(client->ended());
  EXPECT_FALSE(served()) << "it lingers";
  client->end();
  fake.loop.run_until_idle();
  EXPECT_TRUE(served());
}

TEST_F(Http1Server, closes_when_the_service_asks_for_it) {
  EXPECT_EQ(ask(get("/last") + get("/head")), answer("last", kClose));
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(service.started, 1u);
}

TEST_F(Http1Server, ends_with_a_client_that_ends_between_requests) {
  ask(get("/head"));
  client->end();
  fake.loop.run_until_idle();
  EXPECT_TRUE(served());
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Server, lingers_for_a_bounded_time) {
  ask(get("/last"));
  fake.advance(Http1Connection::kLingerTime - milliseconds(5));
  EXPECT_FALSE(served());
  fake.advance(milliseconds(10));
  EXPECT_TRUE(served());
}

TEST_F(Http1Server, does_not_reset_a_client_that_still_sends_its_refused_request) {
  EXPECT_NE(ask("GET  / HTTP/1.1\r\n" + std::string(100'000, 'x')), "");
  ask(std::string(100'000, 'x'));
  EXPECT_TRUE(client->ended());
  EXPECT_FALSE(client->broken());
}

TEST_F(Http1Server, cuts_off_what_its_service_did_not_finish) {
  EXPECT_EQ(ask(get("/nothing")), "");
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(service.completed, 1u);
}

TEST_F(Http1Server, ends_a_reset_answer_so_that_the_client_can_tell) {
  EXPECT_EQ(ask(get("/reset")), chunked_head() + "4\r\npart\r\n");
  EXPECT_TRUE(client->ended());
  EXPECT_TRUE(service.records.at(0).reset);
}

TEST_F(Http1Server, resets_the_connection_where_a_close_would_look_like_an_end) {
  ask("GET /reset HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(client->broken());
}

loop::Task<void> promise_too_much(FakeService&, Exchange& exchange) {
  ResponseHead head;
  head.fields.add(FieldId::ContentLength, "10");
  exchange.begin(std::move(head));
  (void)co_await exchange.write(Bytes::copy("short"));
  exchange.finish();
}

loop::Task<void> write_too_much(FakeService&, Exchange& exchange) {
  ResponseHead head;
  head.fields.add(FieldId::ContentLength, "5");
  exchange.begin(std::move(head));
  (void)co_await exchange.write(Bytes::copy("five!"));
  (void)co_await exchange.write(Bytes::copy("more"));
  exchange.finish();
}

TEST_F(Http1Server, cuts_an_answer_off_that_is_shorter_than_declared) {
  service.handlers["/less"] = promise_too_much;
  EXPECT_EQ(ask(get("/less")),
            fmt::format("HTTP/1.1 200 OK\r\n{}content-length: 10\r\n\r\nshort", kDate));
  EXPECT_TRUE(client->ended());
}

TEST_F(Http1Server, sends_no_more_than_the_length_that_a_service_declares) {
  service.handlers["/more"] = write_too_much;
  EXPECT_EQ(ask(get("/more")),
            fmt::format("HTTP/1.1 200 OK\r\n{}content-length: 5\r\n\r\nfive!", kDate));
  EXPECT_TRUE(client->ended());
}

loop::Task<void> split_header(FakeService&, Exchange& exchange) {
  ResponseHead head;
  head.fields.add("x-bad", "a\r\nx-evil: b");
  head.fields.add("x y", "c");
  head.fields.add(FieldId::TransferEncoding, "gzip");
  head.fields.add(FieldId::Connection, "keep-alive");
  head.fields.add(FieldId::Date, "today");
  exchange.begin(std::move(head), true);
  co_return;
}

TEST_F(Http1Server, leaves_out_fields_that_would_break_the_header) {
  service.handlers["/split"] = split_header;
  EXPECT_EQ(ask(get("/split")), "HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 0\r\n\r\n");
}

}  // namespace
}  // namespace parley::http
