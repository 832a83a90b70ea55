#include "net/net_fake.h"

#include <gtest/gtest.h>

namespace parley::net {
namespace {

using std::chrono::milliseconds;

struct Pair : ::testing::Test {
  loop::FakeLoop fake;
  WireHandle wire = make_wire(fake.loop);
  StreamPair streams = memory_pair(fake.loop, wire);
  ByteStream& ours = *streams.first;
  MemoryPeer theirs{std::move(streams.second)};
  void run() { fake.loop.run_until_idle(); }
};

TEST_F(Pair, carries_bytes_both_ways) {
  ours.write(Bytes::copy("ping"));
  theirs.send("pong");
  run();
  EXPECT_EQ(theirs.received(), "ping");
  EXPECT_EQ((*ours.try_read())->view(), "pong");
  EXPECT_FALSE(ours.try_read()->has_value());
}

TEST_F(Pair, cuts_reads_apart) {
  wire->back.read_bytes_max = 1;
  theirs.send("ab");
  run();
  EXPECT_EQ((*ours.try_read())->view(), "a");
  EXPECT_EQ((*ours.try_read())->view(), "b");
}

TEST_F(Pair, half_closes) {
  ours.write(Bytes::copy("question"));
  ours.shutdown();
  run();
  EXPECT_TRUE(theirs.ended());
  theirs.send("answer");
  run();
  EXPECT_EQ((*ours.try_read())->view(), "answer");
  EXPECT_FALSE(theirs.broken());
}

TEST_F(Pair, keeps_what_the_peer_does_not_read) {
  wire->forth.capacity = 10;
  theirs.pause();
  ours.write(Bytes::copy(std::string(25, 'x')));
  run();
  EXPECT_EQ(ours.unsent(), 15u);
  theirs.resume();
  run();
  EXPECT_EQ(ours.unsent(), 0u);
  EXPECT_EQ(theirs.received().size(), 25u);
}

TEST_F(Pair, stalls_and_delays) {
  wire->back.stall();
  theirs.send("a");
  run();
  EXPECT_FALSE(ours.try_read()->has_value());
  wire->back.resume();
  EXPECT_EQ((*ours.try_read())->view(), "a");
  wire->back.delay = milliseconds(10);
  theirs.send("b");
  run();
  EXPECT_FALSE(ours.try_read()->has_value());
  fake.advance(milliseconds(11));
  EXPECT_EQ((*ours.try_read())->view(), "b");
}

TEST_F(Pair, reset_breaks_both_sides) {
  theirs.reset();
  run();
  EXPECT_TRUE(ours.broken());
  EXPECT_FALSE(ours.try_read());
  EXPECT_TRUE(theirs.broken());
}

TEST_F(Pair, destruction_sends_the_rest_and_ends) {
  ours.write(Bytes::copy("tail"));
  streams.first.reset();
  run();
  EXPECT_EQ(theirs.received(), "tail");
  EXPECT_TRUE(theirs.ended());
  theirs.send("x");
  run();
  EXPECT_TRUE(theirs.broken()) << "nobody is there any more";
}

TEST_F(Pair, a_reset_comes_behind_what_was_sent_before) {
  auto [first, second] = memory_pair(fake.loop, wire);
  wire->back.delay = milliseconds(20);
  second->write(Bytes::copy("the last"));
  run();
  second.reset();
  first->write(Bytes::copy("to nobody"));
  run();
  EXPECT_FALSE(first->try_read()->has_value());
  fake.advance(milliseconds(20));
  EXPECT_EQ((*first->try_read())->view(), "the last");
}

TEST_F(Pair, destruction_with_bytes_that_do_not_fit_resets) {
  wire->forth.capacity = 2;
  ours.write(Bytes::copy("whole"));
  streams.first.reset();
  run();
  EXPECT_EQ(theirs.received(), "wh");
  EXPECT_TRUE(theirs.broken());
}

TEST_F(Pair, destruction_with_unread_bytes_resets) {
  theirs.send("unread");
  run();
  streams.first.reset();
  run();
  EXPECT_TRUE(theirs.broken());
}

loop::Task<void> connect_to(MemoryNetwork& network, Address address, std::string& result) {
  auto stream = co_await network.connect(address);
  result = stream ? "connected" : stream.error().message();
}

TEST(MemoryNetwork, connects_refuses_and_swallows) {
  loop::FakeLoop fake;
  MemoryNetwork network(fake.loop);
  loop::TaskSet tasks(fake.loop);
  auto listener = *network.listen(Address::loopback(0), {});
  const Address address = listener->address();
  std::string first, second, third;
  tasks.spawn(connect_to(network, address, first));
  fake.loop.run_until_idle();
  EXPECT_EQ(first, "connected");
  network.refuse(address);
  tasks.spawn(connect_to(network, address, second));
  fake.loop.run_until_idle();
  EXPECT_EQ(second, "cannot connect to " + address.text() + ": connection refused");
  network.accept_again(address);
  network.swallow(address);
  tasks.spawn(connect_to(network, address, third));
  fake.advance(std::chrono::hours(1));
  EXPECT_EQ(third, "");
  EXPECT_EQ(network.listen(address, {}).error().message(),
            "cannot listen on " + address.text() + ": address already in use");
}

}  // namespace
}  // namespace parley::net
