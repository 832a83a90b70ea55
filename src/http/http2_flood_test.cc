#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "http/http2_fake.h"
#include "http/http2_flood_meter.h"
#include "http/http_fake.h"
#include "http/server.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/net_fake.h"

namespace parley::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kWaiting = literal(":method", "POST") + literal(":scheme", "http") +
                             literal(":authority", "a") + literal(":path", "/wait");

std::string ping() { return frame(NGHTTP2_PING, 0, 0, "12345678"); }

std::string big_request(int32_t stream, std::string_view path) {
  return headers(stream,
                 literal(":method", "GET") + literal(":scheme", "http") +
                     literal(":authority", "a") + literal(":path", path),
                 kEndStream);
}

// A client that floods a server connection.
class Http2Flood : public testing::Test {
 protected:
  Http2Flood() {
    settings.resets_max = 20;
    settings.overhead_frames_max = 50;
    settings.header_bytes_max = 2048;
  }

  void connect_silently() {
    auto [ours, theirs] = net::memory_pair(fake.loop);
    server.spawn(serve_http2(std::move(theirs), {}, context));
    peer.emplace(std::move(ours));
  }
  void connect() {
    connect_silently();
    send(std::string(kPreface) + frame(NGHTTP2_SETTINGS, 0, 0));
    if (acknowledges) send(frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0));
  }
  void send(const std::string& bytes) {
    peer->send(bytes);
    fake.loop.run_until_idle();
  }
  // Sends what `make` makes of 0, 1, 2 ... until the connection ends; how often.
  size_t flood(const std::function<std::string(int32_t)>& make, int32_t count = 1000) {
    connect();
    int32_t sent = 0;
    while (sent < count && !peer->closed()) send(make(sent++));
    return static_cast<size_t>(sent);
  }
  // The streams that the server has reset, and the codes.
  using Reset = std::pair<int32_t, uint32_t>;
  std::vector<Reset> resets() const {
    std::vector<Reset> all;
    for (const Frame& one : frames_of(peer->received())) {
      if (one.type == NGHTTP2_RST_STREAM) all.emplace_back(one.stream, one.number(0));
    }
    return all;
  }
  // Why the server ended the connection, and that it said so where it has to.
  std::string ended_by() {
    EXPECT_TRUE(peer->closed());
    std::string limits;
    for (auto* series = metrics.limits().first(); series != nullptr; series = series->next)
      limits += series->name;
    const std::string text = goaway_text(peer->received());
    EXPECT_TRUE(text.contains("limit " + limits)) << text << " and not " << limits;
    for (const Frame& one : frames_of(peer->received())) {
      if (one.type == NGHTTP2_GOAWAY) EXPECT_EQ(one.number(4), uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
    }
    return limits;
  }

  loop::FakeLoop fake;
  Settings settings;
  FakeService service{fake.loop};
  Drain drain{fake.loop};
  observe::Metrics metrics;
  ServerContext context{fake.loop, service, settings, drain, &metrics};
  loop::TaskSet server{fake.loop};
  std::optional<net::MemoryPeer> peer;
  bool acknowledges = true;
};

TEST_F(Http2Flood, of_requests_that_are_reset_at_once_ends_the_connection) {
  const size_t sent = flood([](int32_t i) {
    return headers(2 * i + 1, kWaiting) + frame(NGHTTP2_RST_STREAM, 0, 2 * i + 1, number(8));
  });
  EXPECT_EQ(ended_by(), "http.resets_max");
  EXPECT_LE(sent, 2 * settings.resets_max + 2);
  EXPECT_EQ(service.started, service.completed + service.cancelled);
}

TEST_F(Http2Flood, of_resets_is_not_excused_by_requests_of_long_ago) {
  connect();
  for (int32_t i = 0; i < 1000; ++i) send(headers(2 * i + 1, request_block(), kEndStream));
  fake.advance(Http2FloodMeter::kSpan + milliseconds(2));
  uint32_t sent = 0;
  for (int32_t i = 1000; !peer->closed() && sent < 1000; ++i, ++sent)
    send(headers(2 * i + 1, kWaiting) + frame(NGHTTP2_RST_STREAM, 0, 2 * i + 1, number(8)));
  EXPECT_EQ(ended_by(), "http.resets_max");
  EXPECT_LE(sent, 2 * settings.resets_max + 2);
}

TEST_F(Http2Flood, of_streams_that_it_makes_us_reset_ends_the_connection) {
  // A window beyond 2^31 - 1: RFC 9113, 6.9.1.
  flood([](int32_t i) {
    return headers(2 * i + 1, kWaiting) +
           frame(NGHTTP2_WINDOW_UPDATE, 0, 2 * i + 1, number(0x7fffffff));
  });
  EXPECT_EQ(ended_by(), "http.resets_max");
}

TEST_F(Http2Flood, of_requests_beyond_the_streams_that_are_allowed_ends_the_connection) {
  settings.streams_max = 2;
  for (const bool acknowledged : {false, true}) {
    acknowledges = acknowledged;
    flood([](int32_t i) { return headers(2 * i + 1, kWaiting); });
    EXPECT_TRUE(peer->closed());
    EXPECT_TRUE(goaway_text(peer->received()).contains("limit http.resets_max"));
  }
}

TEST_F(Http2Flood, a_stream_too_many_is_refused_and_the_others_go_on) {
  settings.streams_max = 2;
  for (const bool acknowledged : {false, true}) {
    SCOPED_TRACE(acknowledged);
    acknowledges = acknowledged;
    connect();
    EXPECT_TRUE(frames_of(peer->received())[0].payload.starts_with(std::string("\0\3", 2) +
                                                                   number(settings.streams_max)));
    const size_t before = service.started;
    for (const int32_t stream : {1, 3, 5}) send(headers(stream, kWaiting));
    EXPECT_EQ(service.started, before + 2);
    EXPECT_EQ(resets(), (std::vector<Reset>{{5, NGHTTP2_REFUSED_STREAM}}));
    send(frame(NGHTTP2_RST_STREAM, 0, 3, number(NGHTTP2_CANCEL)) + headers(7, kWaiting));
    EXPECT_EQ(service.started, before + 3);
    EXPECT_FALSE(peer->closed());
  }
  EXPECT_EQ(metrics.limits().first()->name, "http.streams_max");
  EXPECT_EQ(metrics.limits().first()->hits.value(), 2u);
}

TEST_F(Http2Flood, of_entries_in_one_settings_frame_ends_the_connection) {
  const auto entries = [](size_t count) {
    std::string payload;
    for (size_t i = 0; i < count; ++i) payload += std::string("\0\4", 2) + number(65'535);
    return frame(NGHTTP2_SETTINGS, 0, 0, payload);
  };
  connect();
  send(entries(32));
  EXPECT_FALSE(peer->closed());
  send(entries(33));
  EXPECT_EQ(ended_by(), "fixed.settings_entries_max");
}

TEST_F(Http2Flood, no_request_for_too_long_ends_the_connection_by_the_name_of_the_limit) {
  connect();
  fake.advance(settings.idle_timeout * 2);
  EXPECT_TRUE(peer->closed());
  EXPECT_EQ(goaway_text(peer->received()), "no request for too long (limit http.idle_timeout)");
  EXPECT_EQ(metrics.limits().first()->name, "http.idle_timeout");
  EXPECT_EQ(metrics.limits().first()->hits.value(), 1u);
}

TEST_F(Http2Flood, what_is_no_request_does_not_keep_a_connection_from_being_idle) {
  settings.overhead_frames_max = 10'000;
  const std::string unknown = frame(0xbe, 0, 0, std::string(10'000, '?'));
  for (const std::string& bytes :
       {ping(), frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number(1)), unknown}) {
    connect();
    const auto end = fake.clock.now() + settings.idle_timeout + settings.header_timeout;
    for (size_t i = 0; fake.clock.now() < end; ++i) {
      send(bytes == unknown ? unknown.substr(i, 1) : bytes);
      fake.advance(seconds(1));
    }
    EXPECT_TRUE(peer->closed());
    EXPECT_EQ(goaway_text(peer->received()), "no request for too long (limit http.idle_timeout)");
  }
}

TEST_F(Http2Flood, a_connection_is_idle_from_the_end_of_its_last_request_on) {
  connect();
  send(headers(1, kWaiting, kEndStream));
  fake.advance(settings.idle_timeout * 3);
  EXPECT_FALSE(peer->closed()) << "a request is open";
  service.go.notify();
  fake.advance(settings.idle_timeout - seconds(1));
  EXPECT_FALSE(peer->closed());
  send(headers(3, kWaiting, kEndStream));
  service.go.notify();
  fake.advance(settings.idle_timeout - seconds(1));
  EXPECT_FALSE(peer->closed());
  fake.advance(settings.header_timeout * 2);
  EXPECT_EQ(goaway_text(peer->received()), "no request for too long (limit http.idle_timeout)");
}

TEST_F(Http2Flood, a_client_has_the_header_timeout_for_its_preface_and_settings) {
  const std::string whole = std::string(kPreface) + frame(NGHTTP2_SETTINGS, 0, 0);
  for (const size_t step : {whole.size(), size_t{1}}) {  // nothing comes in time, or a byte
    connect_silently();
    const size_t steps = whole.size() / step;
    for (size_t i = 0; i < steps; ++i) {
      EXPECT_FALSE(peer->closed());
      fake.advance(settings.header_timeout / steps + milliseconds(2));
      send(whole.substr(i * step, step));
    }
    EXPECT_TRUE(peer->closed());
    EXPECT_EQ(goaway_text(peer->received()),
              "the preface did not arrive in time (limit http.header_timeout)");
  }
  EXPECT_EQ(metrics.limits().first()->hits.value(), 2u);
}

TEST_F(Http2Flood, the_time_for_the_preface_runs_while_the_version_is_found_out) {
  auto [ours, theirs] = net::memory_pair(fake.loop);
  server.spawn(serve_connection(std::move(theirs), context));
  peer.emplace(std::move(ours));
  fake.advance(settings.header_timeout - milliseconds(100));
  send(std::string(kPreface));
  fake.advance(milliseconds(102));
  EXPECT_TRUE(peer->closed());
}

TEST_F(Http2Flood, the_time_for_a_header_runs_from_its_first_byte) {
  const std::string whole = headers(1, kWaiting, kEndStream);
  connect();
  send(frame(NGHTTP2_PING, 0, 0, "12345678") + whole.substr(0, 1));
  for (size_t i = 1; i < 10; ++i) {
    fake.advance(settings.header_timeout / 10);
    EXPECT_FALSE(peer->closed());
    send(whole.substr(i, 1));
  }
  fake.advance(settings.header_timeout / 10 + milliseconds(2));
  EXPECT_EQ(goaway_text(peer->received()),
            "a header did not arrive in time (limit http.header_timeout)");
}

TEST_F(Http2Flood, each_header_has_a_time_of_its_own) {
  connect();
  std::string rest;
  for (int32_t i = 0; i < 10; ++i) {
    const std::string whole = headers(2 * i + 1, kWaiting, kEndStream);
    send(rest + whole.substr(0, 20));
    fake.advance(settings.header_timeout / 2);
    rest = whole.substr(20);
  }
  EXPECT_FALSE(peer->closed());
  EXPECT_EQ(service.started, 9u);
}

TEST_F(Http2Flood, a_header_without_end_ends_the_connection_by_the_name_of_the_limit) {
  connect();
  send(frame(NGHTTP2_HEADERS, 0, 1, kWaiting));
  fake.advance(settings.header_timeout * 2);
  EXPECT_TRUE(peer->closed());
  EXPECT_EQ(goaway_text(peer->received()),
            "a header did not arrive in time (limit http.header_timeout)");
  EXPECT_EQ(metrics.limits().first()->name, "http.header_timeout");
  EXPECT_EQ(metrics.limits().first()->hits.value(), 1u);
}

TEST_F(Http2Flood, of_pings_ends_the_connection) {
  const size_t sent = flood([](int32_t) { return ping(); });
  EXPECT_EQ(ended_by(), "http.overhead_frames_max");
  EXPECT_LE(sent, settings.overhead_frames_max + 1);
}

TEST_F(Http2Flood, of_pings_whose_answers_wait_ends_the_connection) {
  settings.overhead_frames_max = 100'000;
  settings.control_frames_queued_max = 10;
  connect();
  std::string all;
  for (int i = 0; i < 100; ++i) all += ping();
  send(all);
  EXPECT_EQ(ended_by(), "http.control_frames_queued_max");
}

TEST_F(Http2Flood, of_settings_ends_the_connection) {
  flood([](int32_t) { return frame(NGHTTP2_SETTINGS, 0, 0); });
  EXPECT_EQ(ended_by(), "http.overhead_frames_max");
}

TEST_F(Http2Flood, of_priorities_ends_the_connection) {
  flood([](int32_t) { return frame(NGHTTP2_PRIORITY, 0, 3, std::string(5, '\1')); });
  EXPECT_EQ(ended_by(), "http.overhead_frames_max");
}

TEST_F(Http2Flood, of_unknown_frames_ends_the_connection) {
  flood([](int32_t) { return frame(0xbe, 0, 0, "?"); });
  EXPECT_EQ(ended_by(), "http.overhead_frames_max");
}

TEST_F(Http2Flood, of_empty_data_ends_the_connection) {
  flood([](int32_t i) { return (i == 0 ? headers(1, kWaiting) : "") + frame(NGHTTP2_DATA, 0, 1); });
  EXPECT_EQ(ended_by(), "http.overhead_frames_max");
}

TEST_F(Http2Flood, of_data_for_a_stream_that_was_reset_ends_the_connection) {
  const std::string length = literal("content-length", "1");
  std::string crumbs;
  for (int i = 0; i < 1000; ++i) crumbs += frame(NGHTTP2_DATA, 0, 1, "x");
  const size_t sent = flood([&](int32_t i) {
    return (i == 0 ? headers(1, kWaiting + length) + frame(NGHTTP2_DATA, 0, 1, "xyz") : "") +
           crumbs;
  });
  EXPECT_EQ(ended_by(), "http.overhead_frames_max");
  EXPECT_LE(sent * crumbs.size(), (4 * settings.stream_window_bytes) + 2 * crumbs.size());
}

TEST_F(Http2Flood, is_not_what_was_on_its_way_when_we_reset_its_stream) {
  settings.resets_max = 1000;
  connect();
  const std::string length = literal("content-length", "1");
  for (int32_t stream = 1; stream < 41; stream += 2) {
    send(headers(stream, kWaiting + length) + frame(NGHTTP2_DATA, 0, stream, "xyz"));
    const std::string part = frame(NGHTTP2_DATA, 0, stream, std::string(100, 'x'));
    for (size_t late = part.size(); late <= settings.stream_window_bytes; late += part.size())
      peer->send(part);
    fake.loop.run_until_idle();
  }
  EXPECT_FALSE(peer->closed());
}

TEST_F(Http2Flood, of_data_that_is_padding_ends_the_connection) {
  const std::string padding = "\x10" + std::string(16, '\0');
  flood([&](int32_t i) {
    return (i == 0 ? headers(1, kWaiting) : "") +
           frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, padding);
  });
  EXPECT_EQ(ended_by(), "http.overhead_frames_max");
}

TEST_F(Http2Flood, of_windows_byte_by_byte_ends_the_connection) {
  const std::string no_window = std::string("\0\4", 2) + number(0);
  flood([&](int32_t i) {
    return (i == 0 ? frame(NGHTTP2_SETTINGS, 0, 0, no_window) + big_request(1, "/big/5000") : "") +
           frame(NGHTTP2_WINDOW_UPDATE, 0, 1, number(1));
  });
  EXPECT_EQ(ended_by(), "http.overhead_frames_max");
}

TEST_F(Http2Flood, of_continuation_frames_ends_the_connection) {
  const size_t sent = flood([](int32_t i) {
    return frame(i == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION, 0, 1, i == 0 ? kWaiting : "");
  });
  EXPECT_EQ(ended_by(), "http.continuation_frames_max");
  EXPECT_LE(sent, settings.continuation_frames_max + 3);
}

TEST_F(Http2Flood, of_fields_out_of_few_bytes_ends_the_connection) {
  // One field of 1000 bytes goes into the table, and is then named by one byte each time.
  const std::string entry = "\x40" + literal("x-bomb", std::string(1000, 'b')).substr(1);
  flood([&](int32_t i) { return headers(2 * i + 1, kWaiting + entry + std::string(500, '\xbe')); });
  EXPECT_EQ(ended_by(), "http.header_bytes_max");
}

TEST_F(Http2Flood, is_not_what_a_client_does_that_answers_data_with_windows_and_pings) {
  connect();
  for (int32_t i = 0; i < 200; ++i) {
    send(headers(2 * i + 1, request_block(), kEndStream) + ping() +
         frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number(100)));
  }
  EXPECT_FALSE(peer->closed());
}

TEST_F(Http2Flood, is_not_what_takes_its_time) {
  connect();
  for (int32_t i = 0; i < 200; ++i) {
    send(headers(2 * i + 1, kWaiting) + frame(NGHTTP2_RST_STREAM, 0, 2 * i + 1, number(8)) +
         ping() + ping() + ping() + ping());
    fake.advance(seconds(1));
  }
  EXPECT_FALSE(peer->closed());
}

TEST_F(Http2Flood, a_window_that_stays_shut_costs_the_stream_after_the_write_timeout) {
  connect();
  const std::string no_window = std::string("\0\4", 2) + number(0);
  send(frame(NGHTTP2_SETTINGS, 0, 0, no_window) + big_request(1, "/big/100000000") +
       headers(3, kWaiting));
  fake.advance(settings.write_timeout - seconds(1));
  EXPECT_EQ(service.completed, 0u);
  fake.advance(settings.header_timeout * 2);
  EXPECT_EQ(service.completed, 1u);
  const auto said = frames_of(peer->received());
  const bool reset = std::any_of(said.begin(), said.end(), [](const Frame& one) {
    return one.type == NGHTTP2_RST_STREAM && one.stream == 1;
  });
  EXPECT_TRUE(reset);
  EXPECT_FALSE(peer->closed());
  EXPECT_EQ(metrics.limits().first()->name, "http.write_timeout");
}

TEST_F(Http2Flood, a_stream_that_takes_its_answer_at_the_least_rate_is_left_alone) {
  connect();
  const std::string small_window = std::string("\0\4", 2) + number(100);
  send(frame(NGHTTP2_SETTINGS, 0, 0, small_window) + big_request(1, "/big/1000000"));
  for (int i = 0; i < 20; ++i) {
    fake.advance(seconds(15));
    send(frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number(settings.body_rate_min * 15)) +
         frame(NGHTTP2_WINDOW_UPDATE, 0, 1, number(settings.body_rate_min * 15)));
  }
  EXPECT_EQ(metrics.limits().first(), nullptr);
}

TEST_F(Http2Flood, streams_behind_a_shut_connection_are_judged_by_what_it_takes) {
  for (const uint32_t rate : {settings.body_rate_min, settings.body_rate_min / 8}) {
    SCOPED_TRACE(rate);
    connect();
    const std::string wide = std::string("\0\4", 2) + number(1 << 20);
    send(frame(NGHTTP2_SETTINGS, 0, 0, wide) + big_request(1, "/big/500000") +
         big_request(3, "/big/500000"));
    for (int i = 0; i < 20; ++i) {
      fake.advance(seconds(5));
      send(frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number(rate * 5)));
    }
    EXPECT_EQ(resets().size(), rate < settings.body_rate_min ? 2u : 0u);
  }
}

TEST_F(Http2Flood, a_window_that_opens_byte_by_byte_is_one_that_stays_shut) {
  settings.write_timeout = seconds(1);
  connect();
  const std::string no_window = std::string("\0\4", 2) + number(0);
  send(frame(NGHTTP2_SETTINGS, 0, 0, no_window) + big_request(1, "/big/1000"));
  for (int i = 0; i < 8; ++i) {
    fake.advance(milliseconds(500));
    send(frame(NGHTTP2_WINDOW_UPDATE, 0, 1, number(1)));
  }
  EXPECT_EQ(resets(), (std::vector<Reset>{{1, NGHTTP2_CANCEL}}));
}

TEST_F(Http2Flood, of_windows_that_stay_shut_ends_the_connection) {
  settings.streams_max = 10;
  connect();
  send(frame(NGHTTP2_SETTINGS, 0, 0, std::string("\0\4", 2) + number(0)));
  int32_t stream = -1;
  for (size_t held = 0, rounds = 0; rounds < 10 && !peer->closed(); ++rounds) {
    for (; held < (rounds + 1) * settings.streams_max; ++held)
      send(big_request(stream += 2, "/big/1000"));
    fake.advance(settings.write_timeout * 2);
  }
  EXPECT_TRUE(peer->closed());
  EXPECT_EQ(goaway_text(peer->received()),
            "too many answers were not taken (limit http.resets_max)");
  EXPECT_EQ(resets().size(), 30u) << "the third round, at 20";
  const auto* limit = metrics.limits().first();
  while (limit->name != "http.resets_max") limit = limit->next;
  EXPECT_EQ(limit->hits.value(), 1u);
}

TEST_F(Http2Flood, windows_that_stay_shut_are_excused_by_answers_that_are_taken) {
  settings.streams_max = 10;
  connect();
  send(frame(NGHTTP2_SETTINGS, 0, 0, std::string("\0\4", 2) + number(0)));
  int32_t stream = -1;
  for (size_t i = 0; i < 27; ++i) {
    send(big_request(stream += 2, "/big/1000"));
    for (int good = 0; good < 2; ++good) send(big_request(stream += 2, "/empty"));
    if (i % 9 == 8) fake.advance(settings.write_timeout * 2);
  }
  EXPECT_EQ(resets().size(), 27u);
  EXPECT_FALSE(peer->closed());
}

TEST_F(Http2Flood, memory_of_small_pieces_is_a_small_multiple_of_the_window) {
  settings.stream_window_bytes = 64 * 1024;
  connect();
  std::string pieces = headers(1, kWaiting);
  for (uint32_t i = 0; i < settings.stream_window_bytes; ++i)
    pieces += frame(NGHTTP2_DATA, 0, 1, "x");
  send(pieces);
  EXPECT_FALSE(peer->closed());
  send(frame(NGHTTP2_DATA, 0, 1, "x"));
  const auto said = frames_of(peer->received());
  EXPECT_EQ(said.back().type, NGHTTP2_RST_STREAM) << "the window was not passed";
}

}  // namespace
}  // namespace parley::http
