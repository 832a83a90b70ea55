#include "gateway/listener_sockets.h"

#include <set>

#include <gtest/gtest.h>

namespace parley::gateway {
namespace {

net::ListeningSocket socket_at(const std::string& address, bool reuse_port = true) {
  return *net::open_listening_socket(*net::Address::parse(address), {.reuse_port = reuse_port});
}

std::vector<GivenSocket> given(const std::string& name, net::ListeningSocket socket) {
  std::vector<GivenSocket> sockets;
  sockets.push_back({name, std::move(socket), false});
  return sockets;
}

TEST(ListenerSockets, gives_every_socket_a_shard_and_every_shard_a_socket) {
  OpenListener listener;
  for (int i = 0; i < 3; ++i) listener.sockets.push_back(socket_at("127.0.0.1:0"));
  for (const size_t shards : {1u, 2u, 3u, 5u}) {
    std::set<int> used;
    for (size_t shard = 0; shard < shards; ++shard) {
      const std::vector<int> mine = listener.descriptors_of(shard, shards);
      EXPECT_FALSE(mine.empty());
      used.insert(mine.begin(), mine.end());
    }
    EXPECT_EQ(used.size(), 3u) << shards << " shards";
  }
}

TEST(ListenerSockets, opens_as_many_as_asked_on_one_port) {
  ListenerSockets sockets;
  const auto open = *sockets.open("api", "127.0.0.1:0", 3);
  ASSERT_EQ(open->sockets.size(), 3u);
  for (const net::ListeningSocket& socket : open->sockets) EXPECT_EQ(socket.address, open->address);
  EXPECT_EQ(*sockets.open("api", "127.0.0.1:0", 3), open);
}

TEST(ListenerSockets, opens_the_wildcard_beside_a_listener_of_ours_on_its_port) {
  ListenerSockets sockets;
  const auto loopback = *sockets.open("a", "127.0.0.1:0", 1);
  const std::string port = std::to_string(loopback->address.port());
  const auto wildcard = sockets.open("b", "0.0.0.0:" + port, 1);
  ASSERT_TRUE(wildcard);
  EXPECT_EQ((*wildcard)->address.text(), "0.0.0.0:" + port);
}

TEST(ListenerSockets, does_not_open_the_wildcard_beside_a_listener_of_others) {
  const net::ListeningSocket others = socket_at("127.0.0.1:0");
  ListenerSockets sockets;
  EXPECT_FALSE(sockets.open("b", "0.0.0.0:" + std::to_string(others.address.port()), 1));
}

TEST(ListenerSockets, takes_what_another_process_had_under_the_name_and_adds_what_is_missing) {
  net::ListeningSocket socket = socket_at("127.0.0.1:0");
  const net::Address address = socket.address;
  ListenerSockets sockets;
  sockets.take(given("api", std::move(socket)));
  const auto open = *sockets.open("api", "127.0.0.1:0", 2);
  EXPECT_EQ(open->address, address);
  EXPECT_EQ(open->sockets.size(), 2u);
  EXPECT_TRUE(sockets.drop_unclaimed().empty());
}

TEST(ListenerSockets, shares_a_given_socket_whose_port_cannot_be_bound_again) {
  net::ListeningSocket socket = socket_at("127.0.0.1:0", false);
  const std::string address = socket.address.text();
  ListenerSockets sockets;
  sockets.take(given("", std::move(socket)));
  const auto open = *sockets.open("api", address, 4);
  EXPECT_EQ(open->sockets.size(), 1u);
  EXPECT_EQ(open->descriptors_of(3, 4), open->descriptors_of(0, 4));
}

TEST(ListenerSockets, names_what_was_given_and_fits_nothing) {
  net::ListeningSocket socket = socket_at("127.0.0.1:0");
  const std::string address = socket.address.text();
  ListenerSockets sockets;
  sockets.take(given("", std::move(socket)));
  EXPECT_TRUE(sockets.open("api", "127.0.0.1:0", 1));
  EXPECT_EQ(sockets.drop_unclaimed(), std::vector<std::string>{address});
}

TEST(ListenerSockets, names_an_address_that_is_taken) {
  const net::ListeningSocket taken = socket_at("127.0.0.1:0");
  ListenerSockets sockets;
  const auto open = sockets.open("api", taken.address.text(), 1);
  ASSERT_FALSE(open);
  EXPECT_NE(open.error().message().find("in use"), std::string::npos);
}

}  // namespace
}  // namespace parley::gateway
