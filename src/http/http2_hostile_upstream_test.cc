#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "http/client.h"
#include "http/http2_fake.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/net_fake.h"

namespace parley::http {
namespace {

std::string answer(int32_t stream, std::string_view more = {}, uint8_t flags = 0) {
  return headers(stream, literal(":status", "200").append(more), flags);
}
std::string data(int32_t stream, std::string_view text, uint8_t flags = 0) {
  return frame(NGHTTP2_DATA, flags, stream, text);
}
std::string times(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}
std::string setting(char id, uint32_t value) {
  return frame(NGHTTP2_SETTINGS, 0, 0, std::string{'\0', id} + number(value));
}
std::string goaway(uint32_t last, uint32_t code) {
  return frame(NGHTTP2_GOAWAY, 0, 0, number(last) + number(code));
}

// What becomes of two calls on one connection, 1 and 3, when the upstream says something wrong on
// the first. `call`, `other`: the failure; None: a whole answer; Waiting: nothing yet.
struct Misbehaviour {
  const char* name;
  std::string said;
  std::optional<Reason> call;
  std::optional<Reason> other;
  bool alive;
  std::string limit = {};  // in the failure of the call
};

constexpr std::optional<Reason> kWaiting = std::nullopt;
constexpr std::optional<Reason> kAnswered = Reason::None;
constexpr std::optional<Reason> kLost = Reason::UpstreamUnavailable;
constexpr std::optional<Reason> kMalformed = Reason::UpstreamMalformed;
constexpr std::optional<Reason> kReset = Reason::UpstreamReset;
constexpr std::optional<Reason> kTooLarge = Reason::UpstreamTooLarge;

// What one stream can get wrong: the connection and the other call go on.
std::vector<Misbehaviour> of_streams() {
  const std::string bomb = "\x40" + literal("x-bomb", std::string(1000, 'b')).substr(1);
  return {
      {"a whole answer", answer(1) + data(1, "x", kEndStream), kAnswered, kWaiting, true},
      {"a reset", frame(NGHTTP2_RST_STREAM, 0, 1, number(2)), kReset, kWaiting, true},
      {"no status", headers(1, literal("x-a", "b")), kMalformed, kWaiting, true},
      {"a status of letters", headers(1, literal(":status", "abc")), kMalformed, kWaiting, true},
      {"status 101", headers(1, literal(":status", "101")), kMalformed, kWaiting, true},
      {"a pseudo field of requests", answer(1, literal(":path", "/")), kMalformed, kWaiting, true},
      {"a capital in a name", answer(1, literal("X-A", "b")), kMalformed, kWaiting, true},
      {"a space in a name", answer(1, literal("x a", "b")), kMalformed, kWaiting, true},
      {"a line feed in a value", answer(1, literal("x-a", "b\nc")), kMalformed, kWaiting, true},
      {"a null in a value", answer(1, literal("x-a", std::string("b\0c", 3))), kMalformed, kWaiting,
       true},
      {"a space before a value", answer(1, literal("x-a", " b")), kMalformed, kWaiting, true},
      {"a hop-by-hop field", answer(1, literal("connection", "close")), kMalformed, kWaiting, true},
      {"te", answer(1, literal("te", "gzip")), kMalformed, kWaiting, true},
      {"two lengths", answer(1, literal("content-length", "1") + literal("content-length", "2")),
       kMalformed, kWaiting, true},
      {"less than its length", answer(1, literal("content-length", "3")) + data(1, "x", kEndStream),
       kMalformed, kWaiting, true},
      {"more than its length", answer(1, literal("content-length", "1")) + data(1, "xyz"),
       kMalformed, kWaiting, true},
      {"a second head without end", answer(1) + answer(1), kMalformed, kWaiting, true},
      {"an interim head that ends", headers(1, literal(":status", "103"), kEndStream), kMalformed,
       kWaiting, true},
      {"a window beyond 2 GiB", frame(NGHTTP2_WINDOW_UPDATE, 0, 1, number(0x7fffffff)), kMalformed,
       kWaiting, true},
      {"interim heads without end", times(100, headers(1, literal(":status", "103"))), kTooLarge,
       kWaiting, true, "upstreams.shop.interim_heads_max"},
      {"a header over the limit", answer(1, literal("x-a", std::string(3000, 'a'))), kTooLarge,
       kWaiting, true, "upstreams.shop.header_bytes_max"},
      {"many fields", answer(1, times(20, literal("x-a", "b"))), kTooLarge, kWaiting, true,
       "upstreams.shop.header_count_max"},
      {"a window passed", answer(1) + times(9, data(1, std::string(16'000, 'x'))), kMalformed,
       kWaiting, true},
      {"DATA behind the end", answer(1, {}, kEndStream) + data(1, "x"), kAnswered, kWaiting, true},
      {"DATA on a stream long gone", data(1, "x") + answer(1), kLost, kLost, false},
      {"a bomb of one header", answer(1, bomb + std::string(500, '\xbe')), kTooLarge, kLost, false,
       "upstreams.shop.header_bytes_max"},
  };
}

// What breaks the connection, or floods it: everything on it ends.
std::vector<Misbehaviour> of_connections() {
  const std::string ping = frame(NGHTTP2_PING, 0, 0, "12345678");
  return {
      {"bytes that are no frames", std::string(100, '\xff'), kLost, kLost, false},
      {"HTTP/1.1", "HTTP/1.1 400 Bad Request\r\n\r\n" + std::string(5'000'000, 'x'), kLost, kLost,
       false},
      {"DATA before the head", data(1, "x"), kLost, kLost, false},
      {"DATA on stream 0", data(0, "x"), kLost, kLost, false},
      {"DATA on an idle stream", data(5, "x"), kLost, kLost, false},
      {"HEADERS on stream 0", answer(0), kLost, kLost, false},
      {"HEADERS on a stream of its own", answer(2), kLost, kLost, false},
      {"HEADERS on an idle stream", answer(77), kLost, kLost, false},
      {"HEADERS that HPACK cannot read", headers(1, "\xff\xff\xff\xff\xff\xff"), kLost, kLost,
       false},
      {"PUSH_PROMISE", frame(NGHTTP2_PUSH_PROMISE, kEndHeaders, 1, number(2) + "\x88"), kLost,
       kLost, false},
      {"CONTINUATION after nothing", frame(NGHTTP2_CONTINUATION, 4, 1), kLost, kLost, false},
      {"a frame inside of a header", frame(NGHTTP2_HEADERS, 0, 1, "\x88") + ping, kLost, kLost,
       false},
      {"a frame over 16 KiB", data(1, std::string(20'000, 'x')), kLost, kLost, false},
      {"SETTINGS of 5 bytes", frame(NGHTTP2_SETTINGS, 0, 0, "12345"), kLost, kLost, false},
      {"SETTINGS on a stream", frame(NGHTTP2_SETTINGS, 0, 1), kLost, kLost, false},
      {"an ACK with content", frame(NGHTTP2_SETTINGS, 1, 0, std::string(6, '\0')), kLost, kLost,
       false},
      {"ENABLE_PUSH from a server", setting(2, 1), kLost, kLost, false},
      {"a window of more than 2 GiB", setting(4, 0x80000000), kLost, kLost, false},
      {"a frame size of 1", setting(5, 1), kLost, kLost, false},
      {"40 settings in a frame",
       frame(NGHTTP2_SETTINGS, 0, 0, times(40, std::string("\0\4\0\0\xff\xff", 6))), kLost, kLost,
       false, "fixed.settings_entries_max"},
      {"PING of 3 bytes", frame(NGHTTP2_PING, 0, 0, "123"), kLost, kLost, false},
      {"PING on a stream", frame(NGHTTP2_PING, 0, 1, "12345678"), kLost, kLost, false},
      {"RST_STREAM on stream 0", frame(NGHTTP2_RST_STREAM, 0, 0, number(2)), kLost, kLost, false},
      {"RST_STREAM on an idle stream", frame(NGHTTP2_RST_STREAM, 0, 9, number(2)), kLost, kLost,
       false},
      {"GOAWAY on a stream", frame(NGHTTP2_GOAWAY, 0, 1, number(0) + number(0)), kLost, kLost,
       false},
      {"GOAWAY that names more than before", goaway(1, 0) + goaway(3, 0), kLost, kReset, false},
      {"GOAWAY that names a stream of its own", goaway(2, 0), kLost, kLost, false},
      {"GOAWAY that has seen the first", goaway(1, 0), kWaiting, kReset, true},
      {"GOAWAY for all", goaway(0, 0), kReset, kReset, false},
      {"a window of nothing", frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number(0)), kLost, kLost, false},
      {"a window of nothing on a stream", frame(NGHTTP2_WINDOW_UPDATE, 0, 1, number(0)), kLost,
       kLost, false},
      {"a connection window beyond 2 GiB", frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number(0x7fffffff)),
       kLost, kLost, false},
      {"padding longer than the frame", frame(NGHTTP2_DATA, 8, 1, "\xff"), kLost, kLost, false},
      {"CONTINUATION without end",
       frame(NGHTTP2_HEADERS, 0, 1, "\x88") + times(20, frame(NGHTTP2_CONTINUATION, 0, 1)), kLost,
       kLost, false, "upstreams.shop.continuation_frames_max"},
      {"PINGs", times(200, ping), kLost, kLost, false, "upstreams.shop.overhead_frames_max"},
      {"PINGs whose answers wait", times(60, ping), kLost, kLost, false,
       "upstreams.shop.control_frames_queued_max"},
      {"PING answers", times(200, frame(NGHTTP2_PING, 1, 0, "12345678")), kLost, kLost, false,
       "upstreams.shop.overhead_frames_max"},
      {"empty SETTINGS", times(200, frame(NGHTTP2_SETTINGS, 0, 0)), kLost, kLost, false,
       "upstreams.shop.overhead_frames_max"},
      {"windows", times(200, frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number(1))), kLost, kLost, false,
       "upstreams.shop.overhead_frames_max"},
      {"empty DATA", answer(1) + times(200, data(1, "")), kLost, kLost, false,
       "upstreams.shop.overhead_frames_max"},
      {"resets of a stream that has ended", times(200, frame(NGHTTP2_RST_STREAM, 0, 1, number(8))),
       kReset, kLost, false},
      {"unknown frames", times(200, frame(0xbe, 0, 0, "?")), kLost, kLost, false,
       "upstreams.shop.overhead_frames_max"},
      {"GOAWAYs", times(200, goaway(3, 0)), kLost, kLost, false,
       "upstreams.shop.overhead_frames_max"},
  };
}

class Http2HostileUpstream : public testing::Test {
 protected:
  Http2HostileUpstream() {
    settings.prefix = "upstreams.shop.";
    settings.header_bytes_max = 2048;
    settings.header_count_max = 16;
    settings.stream_window_bytes = 128 * 1024;
    settings.overhead_frames_max = 100;
    settings.control_frames_queued_max = 50;
  }

  struct Call {
    std::unique_ptr<ClientExchange> exchange;
    std::optional<Reason> ended;
    std::string limit;
  };

  // Nobody reads the body of an answer that is not at its end: so windows are not given back.
  static loop::Task<void> watch(Call& call) {
    auto head = co_await call.exchange->head();
    Result<Bytes> chunk = Bytes();
    if (head) {
      do {
        chunk = co_await call.exchange->read();
      } while (chunk && !chunk->empty());
    }
    if (head && chunk) {
      call.ended = Reason::None;
      co_return;
    }
    const Failure& failure = head ? chunk.error() : head.error();
    call.ended = failure.reason();
    call.limit = failure.limit_name();
  }

  void check(const Misbehaviour& one) {
    SCOPED_TRACE(one.name);
    loop::FakeLoop fake;
    auto [theirs, ours] = net::memory_pair(fake.loop);
    net::MemoryPeer peer(std::move(theirs));
    const auto client = make_h2_client(std::move(ours), settings);
    peer.send(frame(NGHTTP2_SETTINGS, 0, 0));
    fake.loop.run_until_idle();
    loop::TaskSet tasks(fake.loop);
    std::vector<Call> calls(2);
    for (Call& call : calls) {
      Fields head;
      head.add(FieldId::PseudoMethod, "POST");
      head.add(FieldId::PseudoScheme, "http");
      head.add(FieldId::PseudoAuthority, "shop.test");
      head.add(FieldId::PseudoPath, "/");
      call.exchange = client->open(std::move(head), true);
      tasks.spawn(watch(call));
    }
    fake.loop.run_until_idle();
    peer.send(one.said);
    fake.loop.run_until_idle();
    EXPECT_EQ(calls[0].ended, one.call);
    EXPECT_EQ(calls[1].ended, one.other);
    EXPECT_EQ(calls[0].limit, one.limit);
    EXPECT_EQ(client->alive(), one.alive) << client->end_reason();
    if (!one.limit.empty() && !one.alive) {
      EXPECT_TRUE(goaway_text(skip_preface(peer.received())).contains(one.limit));
    }
    tasks.cancel_all();
  }

  static std::string_view skip_preface(std::string_view bytes) {
    return bytes.substr(kPreface.size());
  }

  ClientSettings settings;
};

TEST_F(Http2HostileUpstream, that_breaks_the_rules_of_a_stream_loses_that_call) {
  for (const Misbehaviour& one : of_streams()) check(one);
}

TEST_F(Http2HostileUpstream, that_breaks_the_rules_of_the_connection_loses_the_connection) {
  for (const Misbehaviour& one : of_connections()) check(one);
}

}  // namespace
}  // namespace parley::http
