#include <string>

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "http/client.h"
#include "http/http2_fake.h"
#include "http/server.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/net_fake.h"

namespace parley::http {
namespace {

using loop::Task;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kNoError(4, '\0');
const std::string kHello = std::string(kPreface) + frame(NGHTTP2_SETTINGS, 0, 0);
constexpr std::string_view kPost = "\x83\x86\x84\x41\x09shop.test";

// Peers that speak in frames of a test's making. Requests are begun and never answered.
class Http2Frames : public testing::Test, private ExchangeService {
 protected:
  // A client of a server connection.
  net::MemoryPeer serve() {
    auto [ours, theirs] = net::memory_pair(fake.loop);
    server.spawn(serve_http2(std::move(theirs), {}, context));
    return net::MemoryPeer(std::move(ours));
  }

  loop::FakeLoop fake;
  Settings settings;
  Drain drain{fake.loop};
  loop::Signal never{fake.loop};
  ServerContext context{fake.loop, *this, settings, drain};
  int serving = 0;
  loop::TaskSet server{fake.loop};
  loop::TaskSet tasks{fake.loop};

 private:
  struct Serving {
    explicit Serving(int& count) : count_(count) { ++count_; }
    ~Serving() { --count_; }
    int& count_;
  };
  Task<void> serve(Exchange&) override {
    const Serving now(serving);
    co_await never.wait();
  }
  Task<void> refuse(Exchange& exchange, Failure failure) override {
    exchange.begin({failure.http_status(), {}}, true);
    co_return;
  }
};

TEST_F(Http2Frames, ends_connections_whose_header_block_does_not_end) {
  net::MemoryPeer peer = serve();
  peer.send(kHello + frame(NGHTTP2_HEADERS, 0, 1, kPost));
  fake.advance(settings.header_timeout - seconds(1));
  EXPECT_FALSE(peer.closed());
  fake.advance(settings.header_timeout + seconds(2));
  EXPECT_TRUE(peer.closed());
}

TEST_F(Http2Frames, a_date_costs_one_byte_of_every_answer_but_the_first) {
  settings.url_bytes_max = 10;  // so that the requests below are answered here
  net::MemoryPeer peer = serve();
  const std::string block = literal(":method", "GET") + literal(":scheme", "http") +
                            literal(":authority", "a") + literal(":path", "/0123456789");
  peer.send(kHello + headers(1, block, kEndStream) + headers(3, block, kEndStream));
  fake.loop.run_until_idle();
  std::vector<size_t> sizes;
  for (const Frame& one : frames_of(peer.received())) {
    if (one.type == NGHTTP2_HEADERS) sizes.push_back(one.payload.size());
  }
  ASSERT_EQ(sizes.size(), 2u);
  EXPECT_GT(sizes[0], 20u);
  EXPECT_EQ(sizes[1], 2u);  // `:status` and `date`
}

TEST_F(Http2Frames, ends_connections_that_make_it_reset_their_streams) {
  settings.resets_max = 10;
  net::MemoryPeer peer = serve();
  peer.send(kHello);
  for (char stream = 1; stream < 90; stream += 2) {
    peer.send(frame(NGHTTP2_HEADERS, kEndHeaders, stream, kPost));
    peer.send(frame(NGHTTP2_WINDOW_UPDATE, 0, stream, "\x7f\xff\xff\xff"));
    fake.loop.run_until_idle();
  }
  EXPECT_TRUE(peer.closed());
}

TEST_F(Http2Frames, cancels_what_runs_when_the_client_breaks_the_rules) {
  net::MemoryPeer peer = serve();
  peer.send(kHello + frame(NGHTTP2_HEADERS, kEndHeaders, 1, kPost));
  fake.loop.run_until_idle();
  EXPECT_EQ(serving, 1);
  peer.send(frame(NGHTTP2_HEADERS, kEndHeaders, 2, kPost));  // an even number is not a client's
  fake.loop.run_until_idle();
  EXPECT_EQ(serving, 0);
  EXPECT_TRUE(peer.closed());
}

TEST_F(Http2Frames, ends_connections_that_let_too_many_answers_wait) {
  settings.control_frames_queued_max = 100;
  net::MemoryPeer peer = serve();
  std::string pings = kHello;
  for (int i = 0; i < 300; ++i) pings += frame(NGHTTP2_PING, 0, 0, "12345678");
  peer.send(pings);
  fake.loop.run_until_idle();
  EXPECT_TRUE(peer.closed());
}

TEST_F(Http2Frames, a_drain_says_goaway_twice_and_answers_what_crosses_with_the_first) {
  net::MemoryPeer peer = serve();
  peer.send(kHello);
  fake.loop.run_until_idle();
  peer.take_received();
  drain.start(seconds(5));
  fake.advance(milliseconds(2));
  const std::string first = frame(NGHTTP2_GOAWAY, 0, 0, "\x7f\xff\xff\xff" + kNoError);
  EXPECT_EQ(peer.take_received(), first + frame(NGHTTP2_PING, 0, 0, std::string(8, '\0')));
  peer.send(frame(NGHTTP2_HEADERS, kEndHeaders, 1, kPost));
  fake.loop.run_until_idle();
  EXPECT_EQ(serving, 1);
  peer.send(frame(NGHTTP2_PING, 1, 0, std::string(8, '\0')));
  fake.loop.run_until_idle();
  const std::string last = std::string("\0\0\0\1", 4) + kNoError;
  EXPECT_EQ(peer.take_received(), frame(NGHTTP2_GOAWAY, 0, 0, last));
  EXPECT_EQ(serving, 1);
}

TEST_F(Http2Frames, a_drain_does_not_depend_on_the_answer_to_its_ping) {
  net::MemoryPeer peer = serve();
  peer.send(kHello);
  fake.loop.run_until_idle();
  peer.take_received();
  drain.start(seconds(5));
  fake.loop.run_until_idle();
  EXPECT_FALSE(peer.closed());
  fake.advance(seconds(2));
  const std::string last = std::string(4, '\0') + kNoError;
  EXPECT_TRUE(peer.take_received().ends_with(frame(NGHTTP2_GOAWAY, 0, 0, last)));
  EXPECT_TRUE(peer.closed());
}

// Frames of a stream that the client has closed, and of those that only we have.
class Http2ClosedStream : public Http2Frames {
 protected:
  // The code of the GOAWAY that the frames are answered with; -1: none.
  int64_t answered(const std::string& frames) {
    net::MemoryPeer peer = serve();
    peer.send(kHello + frames);
    fake.loop.run_until_idle();
    for (const Frame& one : frames_of(peer.received())) {
      if (one.type == NGHTTP2_GOAWAY) return one.number(4);
    }
    EXPECT_FALSE(peer.closed());
    return -1;
  }
  const std::string open = frame(NGHTTP2_HEADERS, kEndHeaders, 1, kPost);
  const std::string reset = frame(NGHTTP2_RST_STREAM, 0, 1, number(NGHTTP2_CANCEL));
  const std::string data = frame(NGHTTP2_DATA, 0, 1, "late");
  const std::string overflow = frame(NGHTTP2_WINDOW_UPDATE, 0, 1, number(0x7fffffff));
};

TEST_F(Http2ClosedStream, takes_no_frames_of_a_client_that_has_reset_it) {
  EXPECT_EQ(answered(open + reset + data), NGHTTP2_STREAM_CLOSED);
  EXPECT_EQ(answered(open + reset + open), NGHTTP2_STREAM_CLOSED);
}

TEST_F(Http2ClosedStream, lets_pass_what_was_on_its_way_when_we_reset_it) {
  EXPECT_EQ(answered(open + overflow + data + data), -1);
  EXPECT_EQ(answered(open + overflow + frame(NGHTTP2_HEADERS, 5, 1, kPost)), -1);
}

TEST_F(Http2ClosedStream, that_was_never_opened_takes_no_request) {
  EXPECT_EQ(answered(frame(NGHTTP2_HEADERS, kEndHeaders, 5, kPost) + open), NGHTTP2_PROTOCOL_ERROR);
}

TEST_F(Http2ClosedStream, of_long_ago_is_given_the_benefit_of_the_doubt) {
  std::string many;
  for (int32_t stream = 1; stream < 100; stream += 2) {
    many += frame(NGHTTP2_HEADERS, kEndHeaders, stream, kPost) +
            frame(NGHTTP2_WINDOW_UPDATE, 0, stream, number(0x7fffffff));
  }
  EXPECT_EQ(answered(many + data), -1);
}

Task<void> write_all(ClientExchange& exchange, size_t size, bool& returned) {
  (void)co_await exchange.write(Bytes::copy(std::string(size, 'w')), false);
  returned = true;
}

TEST_F(Http2Frames, a_write_does_not_wait_for_an_upstream_that_has_answered_in_full) {
  auto [ours, theirs] = net::memory_pair(fake.loop);
  auto hasty = make_h2_client(std::move(ours), {});
  net::MemoryPeer peer(std::move(theirs));
  const std::string no_window("\0\4\0\0\0\0", 6);
  peer.send(frame(NGHTTP2_SETTINGS, 0, 0, no_window));
  fake.loop.run_until_idle();
  Fields head;
  head.add(FieldId::PseudoMethod, "POST");
  head.add(FieldId::PseudoScheme, "http");
  head.add(FieldId::PseudoAuthority, "shop.test");
  head.add(FieldId::PseudoPath, "/");
  auto exchange = hasty->open(std::move(head), false);
  bool returned = false;
  tasks.spawn(write_all(*exchange, 100'000, returned));
  fake.loop.run_until_idle();
  EXPECT_FALSE(returned);
  peer.send(frame(NGHTTP2_HEADERS, kEndStream | kEndHeaders, 1, "\x88"));
  fake.loop.run_until_idle();
  EXPECT_TRUE(returned);
  tasks.cancel_all();
}

}  // namespace
}  // namespace parley::http
