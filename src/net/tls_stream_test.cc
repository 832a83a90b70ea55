#include "net/tls_stream.h"

#include <optional>

#include <gtest/gtest.h>

#include "loop/combine.h"
#include "net/net_fake.h"
#include "net/openssl.h"
#include "net/tls_fake.h"

namespace parley::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A client and a server over a wire in memory.
struct Tls : ::testing::Test {
  loop::FakeLoop fake;
  FakeAuthority authority;
  TlsServerSettings server_settings;
  TlsClientSettings client_settings;
  TicketKeys tickets = TicketKeys::fresh();
  WireHandle wire = make_wire(fake.loop);
  TlsSessionCache sessions;
  TlsClientContext kept_context;  // empty: each connection is made by one of its own
  std::unique_ptr<ByteStream> client;
  std::unique_ptr<ByteStream> server;
  std::unique_ptr<ByteStream> plain;
  std::optional<Failure> client_failure;
  std::optional<Failure> server_failure;
  loop::TaskSet tasks{fake.loop};

  void SetUp() override {
    server_settings.certificates = {authority.issue({"DNS:shop.test"})};
    client_settings = {.enabled = true, .ca = authority.ca()};
  }

  TlsServerContext server_context() {
    std::vector<TlsProblem> problems;
    auto context = TlsServerContext::load(server_settings, tickets, problems);
    return context ? *context : TlsServerContext();
  }
  TlsClientContext client_context() {
    std::vector<TlsProblem> problems;
    auto context = TlsClientContext::load(client_settings, problems);
    return context ? *context : TlsClientContext();
  }
  Instant soon() { return fake.loop.now() + seconds(5); }

  loop::Task<void> accept(std::unique_ptr<ByteStream> stream) {
    auto done = co_await accept_tls(std::move(stream), server_context(), soon(), &plain);
    if (done)
      server = *std::move(done);
    else
      server_failure = std::move(done).error();
  }
  loop::Task<void> connect(std::unique_ptr<ByteStream> stream, std::string name) {
    const TlsClientContext made_by = kept_context.active() ? kept_context : client_context();
    auto done =
        co_await connect_tls(std::move(stream), made_by, std::move(name), &sessions, soon());
    if (done)
      client = *std::move(done);
    else
      client_failure = std::move(done).error();
  }
  void shake_hands(std::string name = "shop.test") {
    StreamPair pair = memory_pair(fake.loop, wire);
    tasks.spawn(accept(std::move(pair.second)));
    tasks.spawn(connect(std::move(pair.first), std::move(name)));
    run();
  }
  // A server alone, and the wire's other end in our hand.
  MemoryPeer raw_client() {
    StreamPair pair = memory_pair(fake.loop, wire);
    tasks.spawn(accept(std::move(pair.second)));
    return MemoryPeer(std::move(pair.first));
  }
  void run() { fake.loop.run_until_idle(); }

  // All that has arrived, as text.
  static std::string read_all(ByteStream& stream) {
    std::string text;
    for (;;) {
      auto chunk = stream.try_read();
      if (!chunk || !*chunk || (*chunk)->empty()) return text;
      text += (*chunk)->view();
    }
  }
};

TEST_F(Tls, carries_bytes_both_ways) {
  shake_hands();
  ASSERT_TRUE(client && server);
  client->write(Bytes::copy("ping"));
  server->write(Bytes::copy("pong"));
  run();
  EXPECT_EQ(read_all(*server), "ping");
  EXPECT_EQ(read_all(*client), "pong");
}

TEST_F(Tls, tells_what_was_agreed) {
  shake_hands();
  ASSERT_TRUE(client && server);
  EXPECT_TRUE(server->tls().active);
  EXPECT_EQ(server->tls().protocol, "TLSv1.3");
  EXPECT_EQ(server->tls().alpn, "h2");
  EXPECT_EQ(server->tls().server_name, "shop.test");
  EXPECT_EQ(server->tls().peer_subject, "");
  EXPECT_EQ(client->tls().alpn, "h2");
}

// Whether a second connection resumes what the first was given.
bool resumes_next(Tls& tls) {
  tls.read_all(*tls.client);  // the ticket
  tls.client.reset();
  tls.server.reset();
  tls.wire = make_wire(tls.fake.loop);
  tls.shake_hands();
  return tls.server && tls.client && tls.server->tls().resumed && tls.client->tls().resumed;
}

TEST_F(Tls, a_client_resumes_its_session) {
  kept_context = client_context();
  shake_hands();
  ASSERT_TRUE(client && server);
  EXPECT_FALSE(client->tls().resumed);
  EXPECT_TRUE(resumes_next(*this));
  EXPECT_TRUE(resumes_next(*this)) << "a resumed one is given another";
}

// A client made of OpenSSL alone: ours never offers early data (RFC 8446, 2.3).
class EagerClient {
 public:
  EagerClient(Tls& tls, SSL_CTX* context)
      : tls_(tls), peer_(tls.raw_client()), session_(SSL_new(context)) {
    SSL_set_bio(session_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(session_.get());
  }
  // With the session from before, as if the server had allowed early data.
  bool offer(SSL_SESSION* before, std::string_view early) {
    size_t written = 0;
    return SSL_SESSION_set_max_early_data(before, 1000) == 1 &&
           SSL_set_session(session_.get(), before) == 1 &&
           SSL_write_early_data(session_.get(), early.data(), early.size(), &written) == 1;
  }
  bool shake_hands() {
    for (int turn = 0; turn < 5; ++turn) {
      SSL_do_handshake(session_.get());
      exchange();
    }
    char none = 0;
    SSL_read(session_.get(), &none, 1);  // the ticket
    return SSL_is_init_finished(session_.get()) == 1;
  }
  SSL* session() { return session_.get(); }

 private:
  void exchange() {
    char* sealed = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(session_.get()), &sealed);
    peer_.send({sealed, static_cast<size_t>(size)});
    BIO_reset(SSL_get_wbio(session_.get()));
    tls_.run();
    const std::string answer = peer_.take_received();
    BIO_write(SSL_get_rbio(session_.get()), answer.data(), static_cast<int>(answer.size()));
  }

  Tls& tls_;
  MemoryPeer peer_;
  openssl::Session session_;
};

TEST_F(Tls, early_data_is_not_accepted) {
  const openssl::Context context(SSL_CTX_new(TLS_client_method()));
  EagerClient first(*this, context.get());
  ASSERT_TRUE(first.shake_hands());
  SSL_SESSION* const session = SSL_get1_session(first.session());
  EXPECT_EQ(SSL_SESSION_get_max_early_data(session), 0U) << "the ticket allows some";
  server.reset();
  wire = make_wire(fake.loop);
  EagerClient second(*this, context.get());
  EXPECT_TRUE(second.offer(session, "GET /early HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(second.shake_hands());
  EXPECT_EQ(SSL_get_early_data_status(second.session()), SSL_EARLY_DATA_REJECTED);
  ASSERT_TRUE(server);
  EXPECT_TRUE(server->tls().resumed);
  EXPECT_EQ(read_all(*server), "") << "what was sent early has been taken";
  SSL_SESSION_free(session);
}

TEST_F(Tls, a_client_of_other_rules_does_not_resume) {
  shake_hands();
  ASSERT_TRUE(client && server);
  EXPECT_FALSE(resumes_next(*this));
  EXPECT_TRUE(client && server);
}

TEST_F(Tls, survives_reads_of_single_bytes) {
  wire->forth.read_bytes_max = 1;
  wire->back.read_bytes_max = 1;
  shake_hands();
  ASSERT_TRUE(client && server);
  const std::string large(40'000, 'x');
  client->write(Bytes::copy(large));
  run();
  EXPECT_EQ(read_all(*server), large);
}

TEST_F(Tls, carries_more_than_the_kernel_holds) {
  shake_hands();
  ASSERT_TRUE(client && server);
  wire->forth.capacity = 1000;
  const std::string large(300'000, 'y');
  client->write(Bytes::copy(large));
  run();
  EXPECT_GT(client->unsent(), 250'000u);
  std::string got;
  for (int i = 0; i < 2000 && got.size() < large.size(); ++i) {
    got += read_all(*server);
    run();
  }
  EXPECT_EQ(got, large);
  EXPECT_EQ(client->unsent(), 0u);
}

// Record headers (type application_data, RFC 8446, 5.2) in bytes on the wire.
size_t records_in(std::string_view log) {
  size_t count = 0;
  while (log.size() >= 5) {
    const size_t size =
        static_cast<size_t>(static_cast<uint8_t>(log[3])) << 8 | static_cast<uint8_t>(log[4]);
    ++count;
    log.remove_prefix(std::min(log.size(), 5 + size));
  }
  return count;
}

TEST_F(Tls, gathers_small_writes_of_a_turn_in_one_record) {
  shake_hands();
  ASSERT_TRUE(client && server);
  wire->forth.logging = true;
  for (int i = 0; i < 50; ++i) client->write(Bytes::copy("a small frame"));
  client->write(Bytes::copy(std::string(5000, 'b')));
  run();
  EXPECT_EQ(records_in(wire->forth.log()), 1u);
  EXPECT_EQ(read_all(*server).size(), 50 * 13 + 5000u);
}

TEST_F(Tls, half_closes) {
  shake_hands();
  ASSERT_TRUE(client && server);
  client->write(Bytes::copy("question"));
  client->shutdown();
  run();
  EXPECT_EQ(read_all(*server), "question");
  auto end = server->try_read();
  ASSERT_TRUE(end && *end);
  EXPECT_TRUE((*end)->empty());
  server->write(Bytes::copy("answer"));
  run();
  EXPECT_EQ(read_all(*client), "answer");
}

TEST_F(Tls, sends_what_is_queued_when_it_is_destroyed) {
  shake_hands();
  ASSERT_TRUE(client && server);
  server->write(Bytes::copy("goodbye"));
  server.reset();
  run();
  EXPECT_EQ(read_all(*client), "goodbye");
  auto end = client->try_read();
  ASSERT_TRUE(end && *end);
  EXPECT_TRUE((*end)->empty());
}

TEST_F(Tls, an_end_without_close_notify_is_a_failure) {
  StreamPair pair = memory_pair(fake.loop, wire);
  ByteStream* const beneath = pair.first.get();
  tasks.spawn(accept(std::move(pair.second)));
  tasks.spawn(connect(std::move(pair.first), "shop.test"));
  run();
  ASSERT_TRUE(client && server);
  beneath->shutdown();
  run();
  const auto end = server->try_read();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().message(), "the connection ended without close_notify of TLS");
}

TEST_F(Tls, passes_a_reset_on) {
  shake_hands();
  ASSERT_TRUE(client && server);
  wire->reset();
  run();
  EXPECT_FALSE(server->try_read());
  EXPECT_TRUE(server->broken());
  server->write(Bytes::copy("nobody hears"));
  EXPECT_EQ(server->unsent(), 0u);
}

TEST_F(Tls, a_changed_record_ends_the_connection) {
  StreamPair pair = memory_pair(fake.loop, wire);
  ByteStream* const beneath = pair.first.get();
  tasks.spawn(accept(std::move(pair.second)));
  tasks.spawn(connect(std::move(pair.first), "shop.test"));
  run();
  ASSERT_TRUE(client && server);
  beneath->write(Bytes::copy(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'z')));
  run();
  EXPECT_FALSE(server->try_read());
  EXPECT_TRUE(server->broken());
}

TEST_F(Tls, a_handshake_has_a_deadline) {
  MemoryPeer silent = raw_client();
  run();
  fake.advance(seconds(6));
  run();
  ASSERT_TRUE(server_failure);
  EXPECT_EQ(server_failure->detail(), tls_cause::kTimeout);
  EXPECT_EQ(server_failure->limit_name(), "listeners[].tls.handshake_timeout");
  EXPECT_TRUE(silent.closed());
}

TEST_F(Tls, a_stalled_handshake_has_a_deadline) {
  wire->back.stall();
  shake_hands();
  EXPECT_FALSE(server);
  fake.advance(seconds(6));
  run();
  ASSERT_TRUE(server_failure);
  EXPECT_EQ(server_failure->detail(), tls_cause::kTimeout);
}

TEST_F(Tls, a_reset_in_the_handshake_is_a_failure) {
  wire->back.stall();
  shake_hands();
  wire->reset();
  run();
  EXPECT_TRUE(server_failure);
  EXPECT_TRUE(client_failure);
}

TEST_F(Tls, a_peer_that_leaves_in_the_handshake_is_counted_as_closed) {
  MemoryPeer leaver = raw_client();
  leaver.end();
  run();
  fake.advance(seconds(2));
  run();
  ASSERT_TRUE(server_failure);
  EXPECT_EQ(server_failure->detail(), tls_cause::kClosed);
}

TEST_F(Tls, plain_http_is_told_apart) {
  MemoryPeer client_in_clear = raw_client();
  client_in_clear.send("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  run();
  ASSERT_TRUE(server_failure);
  EXPECT_EQ(server_failure->detail(), tls_cause::kNoTls);
  EXPECT_EQ(server_failure->message(), "TLS handshake failed: the peer speaks HTTP without TLS");
}

TEST_F(Tls, the_stream_of_plain_http_comes_back_unread) {
  MemoryPeer client_in_clear = raw_client();
  client_in_clear.send("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  run();
  ASSERT_TRUE(plain);
  EXPECT_EQ(read_all(*plain), "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  plain->write_copy("HTTP/1.1 400 Bad Request\r\n\r\n");
  run();
  EXPECT_EQ(client_in_clear.received(), "HTTP/1.1 400 Bad Request\r\n\r\n");
}

TEST_F(Tls, what_is_no_http_does_not_come_back) {
  MemoryPeer stranger = raw_client();
  stranger.send("ssh-2.0-client\r\n");
  run();
  stranger.end();
  run();
  ASSERT_TRUE(server_failure);
  EXPECT_EQ(server_failure->detail(), tls_cause::kNoTls);
  EXPECT_FALSE(plain);
}

TEST_F(Tls, garbage_is_answered_with_an_alert) {
  MemoryPeer stranger = raw_client();
  stranger.send(std::string("\x16\x03\x01\x00\x10", 5) + std::string(16, '\xff'));
  run();
  stranger.end();
  run();
  ASSERT_TRUE(server_failure);
  EXPECT_EQ(stranger.received().substr(0, 1), "\x15");
}

TEST_F(Tls, refuses_a_server_of_another_name) {
  shake_hands("elsewhere.test");
  ASSERT_TRUE(client_failure);
  EXPECT_EQ(client_failure->detail(), tls_cause::kCertificate);
  EXPECT_NE(client_failure->message().find("hostname mismatch"), std::string::npos);
  ASSERT_TRUE(server_failure);
  EXPECT_EQ(server_failure->detail(), tls_cause::kRefused);
}

TEST_F(Tls, refuses_a_server_of_another_authority) {
  FakeAuthority other;
  client_settings.ca = other.ca();
  shake_hands();
  ASSERT_TRUE(client_failure);
  EXPECT_EQ(client_failure->detail(), tls_cause::kCertificate);
}

TEST_F(Tls, takes_any_server_when_told_not_to_verify) {
  client_settings.ca.clear();
  client_settings.verify = false;
  shake_hands("elsewhere.test");
  EXPECT_TRUE(client);
}

TEST_F(Tls, verifies_addresses) {
  server_settings.certificates = {authority.issue({"IP:127.0.0.1"})};
  shake_hands("127.0.0.1");
  EXPECT_TRUE(client);
}

TEST_F(Tls, refuses_an_expired_server) {
  server_settings.certificates = {
      authority.issue({.names = {"DNS:shop.test"}, .valid_for_seconds = -60})};
  shake_hands();
  ASSERT_TRUE(client_failure);
  EXPECT_NE(client_failure->message().find("expired"), std::string::npos);
}

TEST_F(Tls, knows_the_client_by_its_certificate) {
  const CertificateFiles alice =
      authority.issue({.names = {"URI:spiffe://shop.test/alice", "DNS:alice.test", "IP:10.0.0.1"},
                       .common_name = "alice"});
  server_settings.client_auth = ClientAuth::Require;
  server_settings.client_ca = authority.ca();
  client_settings.cert = alice.cert;
  client_settings.key = alice.key;
  shake_hands();
  ASSERT_TRUE(client && server);
  EXPECT_EQ(server->tls().peer_subject, "CN=alice");
  EXPECT_EQ(server->tls().peer_names, (std::vector<std::string>{"URI:spiffe://shop.test/alice",
                                                                "DNS:alice.test", "IP:10.0.0.1"}));
  EXPECT_EQ(server->tls().peer_hash.size(), 64u);
}

TEST_F(Tls, requires_a_clients_certificate) {
  server_settings.client_auth = ClientAuth::Require;
  server_settings.client_ca = authority.ca();
  shake_hands();
  fake.advance(seconds(2));  // in which the client may read the alert
  run();
  ASSERT_TRUE(server_failure);
  EXPECT_EQ(server_failure->detail(), tls_cause::kCertificate);
}

TEST_F(Tls, may_do_without_a_clients_certificate) {
  server_settings.client_auth = ClientAuth::Request;
  server_settings.client_ca = authority.ca();
  shake_hands();
  ASSERT_TRUE(server);
  EXPECT_EQ(server->tls().peer_subject, "");
}

TEST_F(Tls, a_certificate_that_is_shown_must_be_good) {
  FakeAuthority other;
  const CertificateFiles mallory = other.issue({"DNS:mallory.test"});
  server_settings.client_auth = ClientAuth::Request;
  server_settings.client_ca = authority.ca();
  client_settings.cert = mallory.cert;
  client_settings.key = mallory.key;
  shake_hands();
  fake.advance(seconds(2));  // in which the client may read the alert
  run();
  ASSERT_TRUE(server_failure);
  EXPECT_EQ(server_failure->detail(), tls_cause::kCertificate);
}

TEST_F(Tls, speaks_no_older_version_than_it_is_told) {
  server_settings.min_version = TlsVersion::Tls13;
  shake_hands();
  ASSERT_TRUE(server);
  EXPECT_EQ(server->tls().protocol, "TLSv1.3");
}

}  // namespace
}  // namespace parley::net
