#include <string>

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "http/client.h"
#include "http/http2_fake.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/net_fake.h"

namespace parley::http {
namespace {

// `:status: 200`, from HPACK's static table.
std::string head(int32_t stream, const std::string& more = "") {
  return frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, stream, "\x88" + more);
}

// A client connection to an upstream that says what a test wants.
class Http2Client : public testing::Test {
 protected:
  Http2Client() { say(frame(NGHTTP2_SETTINGS, 0, 0)); }

  std::unique_ptr<ClientExchange> open() {
    Fields fields;
    fields.add(FieldId::PseudoMethod, "POST");
    fields.add(FieldId::PseudoScheme, "http");
    fields.add(FieldId::PseudoAuthority, "shop.test");
    fields.add(FieldId::PseudoPath, "/");
    return client->open(std::move(fields), true);
  }

  void say(const std::string& raw) {
    peer.send(raw);
    fake.loop.run_until_idle();
  }

  // Why there is no head; Reason::None: there is one.
  Reason failure_of(ClientExchange& exchange) {
    struct Waiting {
      static loop::Task<void> run(ClientExchange& exchange, std::optional<Reason>& reason) {
        auto head = co_await exchange.head();
        reason = head ? Reason::None : head.error().reason();
      }
    };
    std::optional<Reason> reason;
    loop::TaskSet tasks(fake.loop);
    tasks.spawn(Waiting::run(exchange, reason));
    fake.loop.run_until_idle();
    EXPECT_TRUE(reason) << "it still waits";
    return reason.value_or(Reason::None);
  }

  loop::FakeLoop fake;
  net::StreamPair pair = net::memory_pair(fake.loop);
  net::MemoryPeer peer{std::move(pair.first)};
  std::unique_ptr<ClientConnection> client = make_h2_client(std::move(pair.second), {});
};

TEST_F(Http2Client, tells_a_reset_of_the_upstream_from_an_answer_that_is_not_valid) {
  const auto reset = open();
  const auto malformed = open();
  fake.loop.run_until_idle();
  say(frame(NGHTTP2_RST_STREAM, 0, 1, number(NGHTTP2_PROTOCOL_ERROR)));
  say(head(3, std::string("\0\x0a"
                          "connection\5close",
                          18)));
  EXPECT_EQ(failure_of(*reset), Reason::UpstreamReset);
  EXPECT_EQ(reset->reset_code(), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(failure_of(*malformed), Reason::UpstreamMalformed);
  EXPECT_TRUE(client->available());
}

TEST_F(Http2Client, ends_a_connection_that_breaks_the_rules_and_what_runs_on_it) {
  const auto exchange = open();
  fake.loop.run_until_idle();
  say(frame(NGHTTP2_DATA, 0, 1, "before the head"));
  EXPECT_EQ(failure_of(*exchange), Reason::UpstreamUnavailable);
  EXPECT_FALSE(client->alive());
  EXPECT_EQ(client->end_reason(), "the upstream broke the rules of HTTP/2");
}

TEST_F(Http2Client, an_upstream_that_sends_data_for_nobody_is_not_kept_when_idle) {
  say(frame(NGHTTP2_SETTINGS, 0, 0, "odd"));
  EXPECT_FALSE(client->alive());
}

// Waits for the head of an answer, and lets go of the exchange as soon as there is none.
loop::Task<void> wait_and_drop(std::unique_ptr<ClientExchange> exchange) {
  (void)co_await exchange->head();
}

TEST_F(Http2Client, nothing_of_a_dropped_request_leaves_after_the_connections_end) {
  Fields fields;
  fields.add(FieldId::PseudoMethod, "POST");
  fields.add(FieldId::PseudoScheme, "http");
  fields.add(FieldId::PseudoAuthority, "shop.test");
  fields.add(FieldId::PseudoPath, "/");
  auto exchange = client->open(std::move(fields), false);
  loop::TaskSet tasks(fake.loop);
  struct Sending {
    static loop::Task<void> run(ClientExchange& of) {
      // More than the windows take.
      (void)co_await of.write(Bytes::copy(std::string(128 * 1024, 'x')), false);
    }
  };
  const auto sending = tasks.spawn(Sending::run(*exchange));
  fake.loop.run_until_idle();
  tasks.cancel(sending);
  tasks.spawn(wait_and_drop(std::move(exchange)));
  fake.loop.run_until_idle();
  const size_t before = peer.received().size();
  // Room for more, and the end right behind it.
  peer.send(frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number(65'536)) +
            frame(NGHTTP2_WINDOW_UPDATE, 0, 1, number(65'536)));
  peer.end();
  fake.loop.run_until_idle();
  EXPECT_TRUE(tasks.empty());
  EXPECT_FALSE(client->alive());
  EXPECT_EQ(peer.received().size(), before);
}

}  // namespace
}  // namespace parley::http
