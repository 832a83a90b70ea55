// What HTTP/2 requests may say is what HTTP/1.1 requests may: the same rules, limits and times.
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "http/client.h"
#include "http/http2_fake.h"
#include "http/http_fake.h"
#include "http/server.h"
#include "http/syntax.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/net_fake.h"

namespace parley::http {
namespace {

using std::chrono::seconds;

using Pairs = std::vector<std::pair<std::string, std::string>>;

Fields fields_of(const Pairs& pairs) {
  Fields fields;
  for (const auto& [name, value] : pairs) fields.add(name, value);
  return fields;
}

// A request for /whole, which answers with the body that it read.
Pairs request(std::string_view authority = "a.example", std::string_view path = "/whole",
              std::string_view verb = "POST", std::string_view scheme = "http") {
  return {{":method", std::string(verb)},
          {":scheme", std::string(scheme)},
          {":authority", std::string(authority)},
          {":path", std::string(path)}};
}
Pairs with(Pairs head, std::string name, std::string value) {
  head.emplace_back(std::move(name), std::move(value));
  return head;
}

class Http2Rules : public testing::Test {
 protected:
  void connect() {
    auto [ours, theirs] = net::memory_pair(fake.loop);
    server.spawn(serve_http2(std::move(theirs), {}, context));
    client = make_h2_client(std::move(ours), {});
    fake.loop.run_until_idle();
  }

  struct Answer {
    uint16_t status = 0;  // 0: the stream was reset
    std::string date;
    std::string body;
    bool done = false;
  };
  static loop::Task<void> collect(ClientExchange& exchange, Answer& answer) {
    const auto head = co_await exchange.head();
    if (head) answer.status = head->status;
    if (head) answer.date = head->fields.find(FieldId::Date).value_or("");
    while (head) {
      const auto chunk = co_await exchange.read();
      if (!chunk || chunk->empty()) break;
      answer.body += chunk->view();
    }
    answer.done = true;
  }
  static loop::Task<void> send(ClientExchange& exchange, std::string_view bytes) {
    (void)co_await exchange.write(Bytes::copy(bytes), false);
  }

  // A whole request on the connection, and what has come by the time that nothing moves any more.
  Answer ask(const Pairs& head, std::string_view body = "") {
    auto exchange = client->open(fields_of(head), body.empty());
    Answer answer;
    tasks.spawn(collect(*exchange, answer));
    if (!body.empty()) {
      tasks.spawn(send(*exchange, body));
      fake.loop.run_until_idle();
      exchange->finish();
    }
    fake.loop.run_until_idle();
    return answer;
  }

  loop::FakeLoop fake;
  FakeService service{fake.loop};
  Settings settings;
  Drain drain{fake.loop};
  ServerContext context{fake.loop, service, settings, drain};
  loop::TaskSet server{fake.loop};
  std::unique_ptr<ClientConnection> client;
  loop::TaskSet tasks{fake.loop};
};

TEST_F(Http2Rules, takes_what_http11_takes) {
  connect();
  for (const std::string host : {"a", "a.example:8080", "127.0.0.1:80", "[::1]:443", "a_b", "a."}) {
    EXPECT_EQ(ask(request(host)).status, 200) << host;
  }
  for (const std::string path : {"/whole?[]{}|\\^`<>\"", "/whole?%", "/whole?b?c/d"}) {
    EXPECT_EQ(ask(request("a", path)).status, 200) << path;
  }
  EXPECT_EQ(ask(request("a", "*", "OPTIONS")).status, 404);
  EXPECT_EQ(ask(request("a", "/whole", "POST", "https")).status, 200);
  EXPECT_EQ(ask(with(request("A.example"), "host", "a.EXAMPLE")).status, 200);
}

TEST_F(Http2Rules, refuses_an_authority_that_is_no_host_and_port) {
  connect();
  for (const std::string host :
       {"u@a", "a,b", "a:", "a:x", "a:65536", ":80", "[::1", "[zz]", "a%41", "a:80:80"}) {
    EXPECT_EQ(ask(request(host)).status, 400) << host;
  }
  EXPECT_EQ(ask(request("a/b")).status, 0);
  EXPECT_EQ(service.started, 0u);
}

TEST(EscapedPath, is_what_grpc_says_over_a_unix_socket) {
  for (const std::string_view good : {"tmp%2Fshop.sock", "localhost", "%2f"})
    EXPECT_TRUE(is_escaped_path(good)) << good;
  for (const std::string_view bad : {"", "tmp/shop", "a%2", "a%", "a%zz", "a b", "u@a"})
    EXPECT_FALSE(is_escaped_path(bad)) << bad;
}

TEST_F(Http2Rules, refuses_a_host_that_is_wrong_or_said_twice) {
  connect();
  EXPECT_EQ(ask(with(request("a"), "host", "b")).status, 400);
  EXPECT_EQ(ask(with(with(request("a"), "host", "a"), "host", "a")).status, 0);
  const Pairs no_authority = {{":method", "GET"}, {":scheme", "http"}, {":path", "/head"}};
  EXPECT_EQ(ask(with(no_authority, "host", "u@a")).status, 400);
  EXPECT_EQ(ask(with(no_authority, "host", "a")).body, "GET /head a\n");
  EXPECT_EQ(ask(no_authority).status, 0);
}

TEST_F(Http2Rules, refuses_a_path_that_http11_would_refuse) {
  connect();
  for (const std::string path : {"/a b", "/a#b", "/a?b#c", "/[", "/a%4", "/a\\b", "/\xC3\xA4",
                                 "/?\xC3\xA4", "*", "whole", "http://a/", "/a\x7F"}) {
    const Answer answer = ask(request("a", path, "GET"));
    EXPECT_TRUE(answer.status == 400 || answer.status == 0) << path << ' ' << answer.status;
  }
  EXPECT_EQ(ask(request("a", "", "GET")).status, 0);
  EXPECT_EQ(service.started, 0u);
}

TEST_F(Http2Rules, refuses_methods_and_schemes_that_are_not_served) {
  connect();
  EXPECT_EQ(ask(request("a", "/whole", "POST", "ftp")).status, 400);
  EXPECT_EQ(ask(request("a", "/whole", "CONNECT")).status, 0);
  EXPECT_EQ(ask({{":method", "CONNECT"}, {":authority", "a:443"}}).status, 400);
  EXPECT_EQ(service.started, 0u);
}

TEST_F(Http2Rules, resets_a_stream_whose_fields_have_bytes_that_they_must_not_have) {
  connect();
  const Pairs fields = {{"x", std::string("a\0b", 3)},
                        {"x", "a\rb"},
                        {"x", "a\nb"},
                        {"x", "a\x01z"},
                        {"x", "a\x7Fz"},
                        {"x", " a"},
                        {"x", "a\t"},
                        {"x y", "a"},
                        {"x:y", "a"},
                        {"", "a"},
                        {":x", "a"},
                        {"connection", "close"},
                        {"transfer-encoding", "chunked"},
                        {"te", "gzip"}};
  for (const auto& [name, value] : fields) {
    EXPECT_EQ(ask(with(request(), name, value)).status, 0) << name << ": " << value;
  }
  EXPECT_EQ(service.started, 0u);
  EXPECT_EQ(ask(with(request(), "x", "a\tb \xC3\xA4")).status, 200);
}

TEST_F(Http2Rules, resets_a_stream_whose_length_is_not_that_of_its_body) {
  connect();
  EXPECT_EQ(ask(with(request(), "content-length", "5"), "hello").body, "hello");
  for (const std::string length :
       {"4", "6", "+5", "5,5", "0x5", "-1", "", "5 ", "99999999999999999999"}) {
    EXPECT_EQ(ask(with(request(), "content-length", length), "hello").status, 0) << length;
  }
  EXPECT_EQ(
      ask(with(with(request(), "content-length", "5"), "content-length", "5"), "hello").status, 0);
  EXPECT_EQ(ask(with(request(), "content-length", "5")).status, 0);
  EXPECT_EQ(service.bodies, std::vector<std::string>{"hello"});
}

loop::Task<void> dated(FakeService&, Exchange& exchange) {
  ResponseHead head;
  head.fields.add(FieldId::Date, "today");
  exchange.begin(std::move(head), true);
  co_return;
}

TEST_F(Http2Rules, dates_its_answers_unless_they_are_dated) {
  service.handlers["/dated"] = dated;
  connect();
  EXPECT_EQ(ask(request()).date, "Tue, 14 Nov 2023 22:13:20 GMT");
  fake.advance(seconds(1));
  EXPECT_EQ(ask(request()).date, "Tue, 14 Nov 2023 22:13:21 GMT");
  EXPECT_EQ(ask(request("a", "/dated")).date, "today");
}

TEST_F(Http2Rules, sends_100_when_the_body_is_waited_for) {
  auto [ours, theirs] = net::memory_pair(fake.loop);
  server.spawn(serve_http2(std::move(theirs), {}, context));
  net::MemoryPeer peer(std::move(ours));
  const auto heads = [&](const std::string& bytes) {
    peer.take_received();
    peer.send(bytes);
    fake.loop.run_until_idle();
    std::vector<std::string> all;
    for (const Frame& one : frames_of(peer.received())) {
      if (one.type == NGHTTP2_HEADERS) all.emplace_back(one.payload);
    }
    return all;
  };
  const std::string block = literal(":method", "POST") + literal(":scheme", "http") +
                            literal(":authority", "a") + literal(":path", "/whole") +
                            literal("expect", "100-continue");
  const std::string body = frame(NGHTTP2_DATA, kEndStream, 1, "hello");
  // `:status` by its index and "100" by Huffman's code, as RFC 7541, C.6.1 has it of others.
  EXPECT_EQ(heads(std::string(kPreface) + frame(NGHTTP2_SETTINGS, 0, 0) + headers(1, block)),
            std::vector<std::string>{"\x48\x82\x08\x01"});
  EXPECT_EQ(service.completed, 0u);
  EXPECT_EQ(heads(body).size(), 1u) << "the answer";
  EXPECT_EQ(service.bodies, std::vector<std::string>{"hello"});
  EXPECT_EQ(heads(headers(3, block) + frame(NGHTTP2_DATA, kEndStream, 3, "hello")).size(), 1u)
      << "the body came anyway";
  EXPECT_EQ(heads(headers(5, block, kEndStream)).size(), 1u) << "there is no body";
}

TEST_F(Http2Rules, says_which_limit_of_the_header_it_was) {
  settings.header_bytes_max = 2000;
  settings.header_count_max = 20;
  settings.url_bytes_max = 500;
  connect();
  Pairs many = request();
  for (int i = 0; i < 21; ++i) many = with(many, fmt::format("x-{}", i), "y");
  EXPECT_EQ(ask(many).status, 431);
  EXPECT_EQ(ask(with(request(), "x", std::string(1900, 'y'))).status, 431);
  EXPECT_EQ(ask(request("a", "/" + std::string(500, 'p'))).status, 414);
  ASSERT_EQ(service.records.size(), 0u);
  EXPECT_EQ(service.limits,
            (std::vector<std::string>{"http.header_count_max", "http.header_bytes_max",
                                      "http.url_bytes_max"}));
}

TEST_F(Http2Rules, fails_the_read_of_trailers_over_the_limit) {
  settings.header_count_max = 10;
  service.handlers["/"] = service.handlers["/whole"];
  auto [ours, theirs] = net::memory_pair(fake.loop);
  server.spawn(serve_http2(std::move(theirs), {}, context));
  net::MemoryPeer peer(std::move(ours));
  using namespace std::string_view_literals;
  std::string trailers;
  for (int i = 0; i < 11; ++i) trailers += "\x00\x01x\x01y"sv;
  peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv);
  peer.send("\0\0\0\4\0\0\0\0\0"sv);                          // SETTINGS
  peer.send("\0\0\x09\1\4\0\0\0\1\x83\x86\x84\x41\4shop"sv);  // HEADERS: POST /
  peer.send("\0\0\x37\1\5\0\0\0\1"sv);                        // HEADERS: the trailers
  peer.send(trailers);
  fake.loop.run_until_idle();
  EXPECT_EQ(service.limits, std::vector<std::string>{"http.header_count_max"});
}

TEST_F(Http2Rules, goes_away_after_as_many_requests_as_a_connection_may_have) {
  settings.requests_per_connection_max = 3;
  connect();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(request()).status, 200);
  EXPECT_FALSE(client->available());
  fake.loop.run_until_idle();
  EXPECT_TRUE(server.empty());
}

TEST_F(Http2Rules, fails_a_body_that_stops_arriving_or_arrives_too_slowly) {
  connect();
  for (const int pause : {1, 1000}) {
    auto exchange = client->open(fields_of(request()), false);
    Answer answer;
    tasks.spawn(collect(*exchange, answer));
    for (int i = 0; i < 40 && !answer.done; ++i) {
      if (i % pause == 0) tasks.spawn(send(*exchange, "x"));
      fake.advance(seconds(1));
    }
    EXPECT_EQ(answer.status, 408);
  }
  EXPECT_EQ(service.limits, (std::vector<std::string>{"http.body_rate_min", "http.body_timeout"}));
}

loop::Task<void> pausing(FakeService&, Exchange& exchange) {
  exchange.let_body_pause();
  const auto chunk = co_await exchange.read();
  answer_text(exchange, chunk ? chunk->view() : "failed");
}

TEST_F(Http2Rules, lets_the_body_of_a_stream_pause) {
  service.handlers["/stream"] = pausing;
  connect();
  auto exchange = client->open(fields_of(request("a", "/stream")), false);
  Answer answer;
  tasks.spawn(collect(*exchange, answer));
  fake.advance(settings.body_timeout * 5);
  EXPECT_FALSE(answer.done);
  tasks.spawn(send(*exchange, "late"));
  fake.loop.run_until_idle();
  EXPECT_EQ(answer.body, "late");
}

}  // namespace
}  // namespace parley::http
