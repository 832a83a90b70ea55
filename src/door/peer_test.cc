#include "door/peer.h"

#include <gtest/gtest.h>

#include "door/door_fake.h"
#include "loop/loop_fake.h"

namespace parley::door {
namespace {

struct PeerOfExchange : ::testing::Test {
  loop::FakeLoop fake;
  FakeExchange exchange{fake.loop, "GET", "/"};
  void SetUp() override {
    exchange.tls_.active = true;
    exchange.tls_.peer_subject = "CN=alice,O=\"Shop\"";
    exchange.tls_.peer_hash = "ab12";
    exchange.tls_.peer_names = {"DNS:alice.test", "URI:spiffe://shop.test/alice"};
  }
};

TEST_F(PeerOfExchange, has_the_spiffe_id_of_its_certificate) {
  const call::Peer peer = peer_of(exchange);
  EXPECT_EQ(peer.spiffe_id, "spiffe://shop.test/alice");
  EXPECT_EQ(identity_of(peer).subject, "spiffe://shop.test/alice");
}

TEST_F(PeerOfExchange, has_no_spiffe_id_when_there_are_two) {
  exchange.tls_.peer_names.push_back("URI:https://elsewhere.test");
  const call::Peer peer = peer_of(exchange);
  EXPECT_EQ(peer.spiffe_id, "");
  EXPECT_EQ(identity_of(peer).subject, "CN=alice,O=\"Shop\"");
}

TEST_F(PeerOfExchange, is_anonymous_without_a_certificate) {
  exchange.tls_ = {};
  EXPECT_EQ(identity_of(peer_of(exchange)).subject, "");
}

TEST_F(PeerOfExchange, is_the_client_that_a_layer_has_found) {
  exchange.set_client(*net::Address::from_literal("192.0.2.1", 1));
  EXPECT_EQ(peer_of(exchange).address, "192.0.2.1");
}

TEST_F(PeerOfExchange, writes_its_certificate_as_envoy_does) {
  exchange.tls_.peer_names.push_back("DNS:a;Hash=evil");
  EXPECT_EQ(client_cert_text(peer_of(exchange)),
            R"(Hash=ab12;Subject="CN=alice,O=\22Shop\22";URI=spiffe://shop.test/alice;)"
            R"(DNS=alice.test;DNS="a;Hash=evil")");
}

TEST_F(PeerOfExchange, adds_nothing_by_a_name) {
  exchange.tls_.peer_subject = R"(CN=a\"b\\)";
  exchange.tls_.peer_names = {R"(URI:spiffe://t/x\)", R"(DNS:,;URI=spiffe://t/admin;By="\)"};
  EXPECT_EQ(client_cert_text(peer_of(exchange)),
            R"(Hash=ab12;Subject="CN=a\22b\5C";URI=spiffe://t/x%5C;)"
            R"(DNS=",;URI=spiffe://t/admin;By=%22%5C")");
}

}  // namespace
}  // namespace parley::door
