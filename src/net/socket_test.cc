#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "loop/combine.h"
#include "loop/task_set.h"
#include "net/net_fake.h"
#include "net/network.h"
#include "net/socket_stream.h"

namespace parley::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using StreamHandle = std::unique_ptr<ByteStream>;

// A directory for socket files, removed with its content.
struct Scratch {
  Scratch() {
    char name[] = "/tmp/parley-net-XXXXXX";
    PARLEY_ASSERT(mkdtemp(name) != nullptr);
    path = name;
  }
  ~Scratch() { std::filesystem::remove_all(path); }
  std::string path;
};

// A loop on real descriptors and a real clock. Tests turn it until something has come true.
struct Sockets : ::testing::Test {
  SystemClock clock;
  std::unique_ptr<loop::Poller> poller = loop::make_epoll_poller();
  loop::Loop loop{clock, *poller};
  std::unique_ptr<Network> network = make_socket_network(loop);
  loop::TaskSet tasks{loop};

  static constexpr int kTurnsMax = 20'000;
  [[nodiscard]] bool until(const std::function<bool()>& come_true) {
    for (int i = 0; i < kTurnsMax; ++i) {
      if (come_true()) return true;
      loop.turn(clock.now() + milliseconds(1));
    }
    return false;
  }

  loop::Task<void> accept_into(Listener& listener, std::vector<StreamHandle>& to) {
    for (;;) {
      auto accepted = co_await listener.accept();
      if (!accepted) co_return;
      to.push_back(*std::move(accepted));
    }
  }
  loop::Task<void> connect_into(Address address, Result<StreamHandle>& to) {
    to = co_await network->connect(address);
    connected = true;
  }
  Result<StreamHandle> connect(const Address& address) {
    Result<StreamHandle> stream = nullptr;
    connected = false;
    tasks.spawn(connect_into(address, stream));
    EXPECT_TRUE(until([&] { return connected; }));
    return stream;
  }
  // Two ends of a new connection: ours, and the one that was accepted.
  StreamPair pair(const Address& on = Address::loopback(0)) {
    auto listener = *network->listen(on, {});
    std::vector<StreamHandle> accepted;
    const auto accepting = tasks.spawn(accept_into(*listener, accepted));
    StreamHandle ours = *connect(listener->address());
    EXPECT_TRUE(until([&] { return !accepted.empty(); }));
    tasks.cancel(accepting);
    return {std::move(ours), std::move(accepted.front())};
  }

  bool connected = false;
};

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

TEST_F(Sockets, carries_bytes_both_ways) {
  auto [ours, theirs] = pair();
  MemoryPeer a(std::move(ours));
  MemoryPeer b(std::move(theirs));
  a.send("ping");
  b.send("pong");
  EXPECT_TRUE(until([&] { return a.received() == "pong" && b.received() == "ping"; }));
}

TEST_F(Sockets, carries_bytes_over_unix_sockets) {
  const Scratch scratch;
  for (const std::string& name : {"unix:" + scratch.path + "/s",
                                  std::string("unix:@parley-net-") + std::to_string(getpid())}) {
    auto [ours, theirs] = pair(*Address::parse(name));
    EXPECT_EQ(ours->peer().text(), name);
    EXPECT_EQ(theirs->local().text(), name);
    MemoryPeer a(std::move(ours));
    MemoryPeer b(std::move(theirs));
    a.send("ping");
    EXPECT_TRUE(until([&] { return b.received() == "ping"; }));
    b.send("pong");
    b.end();
    EXPECT_TRUE(until([&] { return a.received() == "pong" && a.ended(); }));
  }
}

TEST_F(Sockets, knows_both_addresses) {
  auto [ours, theirs] = pair();
  EXPECT_EQ(ours->local(), theirs->peer());
  EXPECT_EQ(ours->peer(), theirs->local());
  EXPECT_FALSE(ours->tls().active);
}

TEST_F(Sockets, read_waits_for_the_next_chunk) {
  auto [ours, theirs] = pair();
  std::string got;
  auto read_one = [](ByteStream& stream, std::string& to) -> loop::Task<void> {
    to = (co_await stream.read())->view();
  };
  tasks.spawn(read_one(*ours, got));
  theirs->write(Bytes::copy("chunk"));
  EXPECT_TRUE(until([&] { return got == "chunk"; }));
}

TEST_F(Sockets, writes_of_one_turn_arrive_in_order) {
  auto [ours, theirs] = pair();
  MemoryPeer b(std::move(theirs));
  std::string expected;
  for (size_t i = 0; i < 500; ++i) {
    const std::string part = pattern(i % 9 == 0 ? 5000 : i);
    expected += part;
    ours->write(Bytes::copy(part));
  }
  EXPECT_EQ(ours->unsent(), expected.size());
  EXPECT_TRUE(until([&] { return b.received().size() == expected.size(); }));
  EXPECT_EQ(b.received(), expected);
  EXPECT_EQ(ours->unsent(), 0u);
}

TEST_F(Sockets, keeps_what_the_peer_does_not_read_and_tells_when_it_has_left) {
  auto [ours, theirs] = pair();
  const int small = 64 * 1024;
  auto& socket = static_cast<SocketStream&>(*ours);
  setsockopt(socket.descriptor(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  const std::string text = pattern(2 * 1024 * 1024);
  ours->write(Bytes::copy(text));
  for (int i = 0; i < 20; ++i) loop.turn(clock.now());
  const size_t held = ours->unsent();
  EXPECT_GT(held, ByteStream::kLowWater);
  bool low = false;
  auto wait_low = [](ByteStream& stream, bool& to) -> loop::Task<void> {
    while (stream.unsent() >= ByteStream::kLowWater) co_await stream.writable().wait();
    to = true;
  };
  tasks.spawn(wait_low(*ours, low));
  for (int i = 0; i < 20; ++i) loop.turn(clock.now());
  EXPECT_FALSE(low);
  MemoryPeer b(std::move(theirs));
  EXPECT_TRUE(until([&] { return b.received().size() == text.size(); }));
  EXPECT_EQ(b.received(), text);
  EXPECT_TRUE(low);
}

TEST_F(Sockets, half_close_leaves_the_other_direction_open) {
  auto [ours, theirs] = pair();
  MemoryPeer a(std::move(ours));
  MemoryPeer b(std::move(theirs));
  a.send("question");
  a.end();
  a.send("dropped: our side has ended");
  EXPECT_TRUE(until([&] { return b.ended(); }));
  EXPECT_EQ(b.received(), "question");
  EXPECT_FALSE(b.stream().broken());
  b.send("answer");
  EXPECT_TRUE(until([&] { return a.received() == "answer"; }));
  b.end();
  EXPECT_TRUE(until([&] { return a.ended(); }));
}

TEST_F(Sockets, the_end_shows_again_at_each_read) {
  auto [ours, theirs] = pair();
  theirs.reset();
  EXPECT_TRUE(until([&] {
    auto chunk = ours->try_read();
    return chunk && *chunk;
  }));
  for (int i = 0; i < 3; ++i) {
    auto chunk = ours->try_read();
    ASSERT_TRUE(chunk && *chunk);
    EXPECT_TRUE((*chunk)->empty());
  }
}

TEST_F(Sockets, bytes_and_the_end_in_one_event_both_show) {
  auto [ours, theirs] = pair();
  theirs->write(Bytes::copy("last words"));
  theirs.reset();  // before our loop looks again
  MemoryPeer a(std::move(ours));
  EXPECT_TRUE(until([&] { return a.ended(); }));
  EXPECT_EQ(a.received(), "last words");
}

TEST_F(Sockets, abort_resets_the_peer) {
  auto [ours, theirs] = pair();
  ours->write(Bytes::copy("dropped"));
  ours->abort();
  EXPECT_TRUE(ours->broken());
  EXPECT_EQ(ours->unsent(), 0u);
  EXPECT_FALSE(ours->try_read());
  std::string message;
  EXPECT_TRUE(until([&] {
    auto chunk = theirs->try_read();
    if (!chunk) message = chunk.error().message();
    return !chunk;
  }));
  EXPECT_EQ(message, "connection reset by peer");
  EXPECT_TRUE(theirs->broken());
  theirs->write(Bytes::copy("dropped too"));
  EXPECT_EQ(theirs->unsent(), 0u);
  EXPECT_FALSE(theirs->try_read()) << "errors are sticky";
}

TEST_F(Sockets, a_reset_wakes_reader_and_writer) {
  auto [ours, theirs] = pair();
  bool read_failed = false;
  bool write_failed = false;
  auto reader = [](ByteStream& stream, bool& failed) -> loop::Task<void> {
    failed = !(co_await stream.read());
  };
  auto writer = [](ByteStream& stream, bool& failed) -> loop::Task<void> {
    while (!stream.broken()) co_await stream.writable().wait();
    failed = true;
  };
  tasks.spawn(reader(*ours, read_failed));
  tasks.spawn(writer(*ours, write_failed));
  ours->write(Bytes::copy(pattern(16 * 1024 * 1024)));
  for (int i = 0; i < 5; ++i) loop.turn(clock.now());
  theirs->abort();
  EXPECT_TRUE(until([&] { return read_failed && write_failed; }));
  EXPECT_EQ(ours->unsent(), 0u);
}

TEST_F(Sockets, what_arrived_before_a_broken_write_can_be_read) {
  auto [ours, theirs] = pair();
  loop.turn(clock.now());
  ours->write(Bytes::copy("a request that nobody reads"));
  loop.turn(clock.now());
  theirs->write(Bytes::copy("413"));
  theirs.reset();  // unread bytes: the kernel answers with RST after the data
  ours->write(Bytes::copy("more"));
  std::string got;
  EXPECT_TRUE(until([&] {
    auto chunk = ours->try_read();
    if (chunk && *chunk) got += (*chunk)->view();
    return !chunk;
  }));
  EXPECT_EQ(got, "413");
}

TEST_F(Sockets, destruction_sends_what_is_queued) {
  auto [ours, theirs] = pair();
  MemoryPeer b(std::move(theirs));
  ours->write(Bytes::copy("tail"));
  ours.reset();
  EXPECT_TRUE(until([&] { return b.ended(); }));
  EXPECT_EQ(b.received(), "tail");
}

TEST_F(Sockets, destruction_with_more_than_the_kernel_takes_resets) {
  auto [ours, theirs] = pair();
  MemoryPeer b(std::move(theirs));
  b.pause();
  const std::string text = pattern(64 * 1024 * 1024);
  ours->write(Bytes::copy(text));
  ours.reset();
  b.resume();
  EXPECT_TRUE(until([&] { return b.broken(); }));
  EXPECT_LT(b.received().size(), text.size());
  EXPECT_FALSE(b.ended());
}

TEST_F(Sockets, destruction_while_a_task_reads_is_safe) {
  auto [ours, theirs] = pair();
  auto reader = [](StreamHandle stream) -> loop::Task<void> {
    while (co_await stream->read()) {
    }
  };
  const auto id = tasks.spawn(reader(std::move(ours)));
  for (int i = 0; i < 5; ++i) loop.turn(clock.now());
  theirs->write(Bytes::copy("on its way"));
  loop.turn(clock.now());
  tasks.cancel(id);
  EXPECT_TRUE(until([&] {
    auto chunk = theirs->try_read();
    return !chunk || *chunk;
  }));
}

TEST_F(Sockets, a_burst_of_connections_is_accepted) {
  auto listener = *network->listen(Address::loopback(0), {});
  std::vector<StreamHandle> accepted;
  constexpr size_t kCount = 200;
  std::vector<Result<StreamHandle>> streams;
  streams.reserve(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    streams.emplace_back(nullptr);
    tasks.spawn(connect_into(listener->address(), streams.back()));
  }
  tasks.spawn(accept_into(*listener, accepted));
  EXPECT_TRUE(until([&] { return accepted.size() == kCount; }));
  tasks.cancel_all();
}

TEST_F(Sockets, accepted_streams_do_not_delay_small_writes) {
  auto [ours, theirs] = pair();
  for (ByteStream* stream : {ours.get(), theirs.get()}) {
    int value = 0;
    socklen_t size = sizeof value;
    getsockopt(static_cast<SocketStream*>(stream)->descriptor(), IPPROTO_TCP, TCP_NODELAY, &value,
               &size);
    EXPECT_EQ(value, 1);
  }
}

TEST_F(Sockets, accepting_waits_while_descriptors_are_short) {
  // UBSan needs descriptors the first time that it meets a class: a timer's, an error's, here.
  const Address nobody = (*network->listen(Address::loopback(0), {}))->address();
  EXPECT_FALSE(connect(nobody));
  bool slept = false;
  auto nap = [](loop::Loop& on, bool& done) -> loop::Task<void> {
    co_await loop::sleep_for(on, milliseconds(1));
    done = true;
  };
  tasks.spawn(nap(loop, slept));
  EXPECT_TRUE(until([&] { return slept; }));
  auto listener = *network->listen(Address::loopback(0), {});
  std::vector<StreamHandle> accepted;
  StreamHandle waiting = *connect(listener->address());
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const Descriptor highest(::dup(0));
  const rlimit none{.rlim_cur = static_cast<rlim_t>(highest.get()), .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  tasks.spawn(accept_into(*listener, accepted));
  EXPECT_TRUE(until([&] { return listener->shortage().pauses > 0; }));
  EXPECT_EQ(listener->shortage().error, EMFILE);
  EXPECT_TRUE(accepted.empty());
  const auto refused = connect(listener->address());
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_FALSE(refused);
  EXPECT_TRUE(until([&] { return accepted.size() == 1; }));
  tasks.cancel_all();
}

TEST_F(Sockets, the_last_descriptors_are_not_for_who_is_accepted) {
  constexpr uint64_t kKept = 8;
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const Descriptor highest(::dup(0));
  auto listener = *network->listen(Address::loopback(0), {.descriptors_kept = kKept});
  // Below the last ones there is the listener's, and a client's with the one that is accepted.
  const rlimit few{.rlim_cur = static_cast<rlim_t>(highest.get()) + 4 + kKept,
                   .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  std::vector<StreamHandle> accepted;
  std::vector<StreamHandle> clients;
  tasks.spawn(accept_into(*listener, accepted));
  clients.push_back(*connect(listener->address()));
  EXPECT_TRUE(until([&] { return accepted.size() == 1; }));
  clients.push_back(*connect(listener->address()));
  EXPECT_TRUE(until([&] { return listener->shortage().pauses > 1; }));
  EXPECT_EQ(accepted.size(), 1U);
  EXPECT_TRUE(Descriptor(::dup(0)).valid());  // for others there are some
  accepted.clear();
  EXPECT_TRUE(until([&] { return accepted.size() == 1; }));
  setrlimit(RLIMIT_NOFILE, &before);
  clients[1]->write_copy("x");
  EXPECT_TRUE(until([&] { return accepted[0]->try_read()->has_value(); }));
  tasks.cancel_all();
}

TEST_F(Sockets, a_refused_connection_names_address_and_cause) {
  const Address nobody = (*network->listen(Address::loopback(0), {}))->address();
  const auto stream = connect(nobody);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().message(),
            "cannot connect to " + nobody.text() + ": connection refused");
  EXPECT_EQ(stream.error().code(), Code::Unavailable);
  const auto no_file = connect(*Address::parse("unix:/nowhere/s"));
  ASSERT_FALSE(no_file);
  EXPECT_EQ(no_file.error().message(),
            "cannot connect to unix:/nowhere/s: no such file or directory");
}

TEST_F(Sockets, connecting_can_be_given_up) {
  Result<StreamHandle> stream = nullptr;
  // TEST-NET-1 (RFC 5737): nobody answers, or there is no way there.
  const auto id = tasks.spawn(connect_into(*Address::parse("192.0.2.1:80"), stream));
  for (int i = 0; i < 3; ++i) loop.turn(clock.now());
  if (!connected) tasks.cancel(id);
  EXPECT_TRUE(tasks.empty());
}

TEST_F(Sockets, an_address_in_use_is_named) {
  const ListenOptions alone{.reuse_port = false};
  auto first = *network->listen(Address::loopback(0), alone);
  const auto second = network->listen(first->address(), alone);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(),
            "cannot listen on " + first->address().text() + ": address already in use");
}

TEST_F(Sockets, listeners_of_several_shards_share_a_port) {
  auto first = *network->listen(Address::loopback(0), {});
  EXPECT_NE(first->address().port(), 0);
  EXPECT_TRUE(network->listen(first->address(), {}));
  EXPECT_FALSE(network->listen(first->address(), {.reuse_port = false}));
}

TEST_F(Sockets, shards_share_the_listening_socket_of_a_path) {
  const Scratch scratch;
  const std::string path = scratch.path + "/s";
  const Address address = *Address::parse("unix:" + path);
  auto first = *network->listen(address, {});
  auto second = *network->listen(address, {.shared_descriptor = first->descriptor()});
  EXPECT_EQ(second->address(), address);
  std::vector<StreamHandle> accepted;
  tasks.spawn(accept_into(*second, accepted));
  const StreamHandle ours = *connect(address);
  EXPECT_TRUE(until([&] { return !accepted.empty(); }));
  tasks.cancel_all();
  second.reset();
  EXPECT_TRUE(std::filesystem::exists(path)) << "the file is the first one's";
  EXPECT_FALSE(network->listen(address, {.shared_descriptor = 1 << 20}));
}

TEST_F(Sockets, a_stale_socket_file_is_replaced_and_a_live_one_is_not) {
  const Scratch scratch;
  const std::string path = scratch.path + "/s";
  const Address address = *Address::parse("unix:" + path);
  {
    const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(dead.get(), address.get(), address.size()), 0);
  }
  EXPECT_TRUE(std::filesystem::exists(path));
  auto listener = network->listen(address, {});
  ASSERT_TRUE(listener);
  EXPECT_EQ(network->listen(address, {}).error().message(),
            "cannot listen on unix:" + path + ": address already in use");
  listener->reset();
  EXPECT_FALSE(std::filesystem::exists(path)) << "a listener removes its own file";
}

TEST_F(Sockets, a_file_that_is_no_socket_stays) {
  const Scratch scratch;
  const std::string path = scratch.path + "/data";
  std::filesystem::create_directory(path);
  EXPECT_FALSE(network->listen(*Address::parse("unix:" + path), {}));
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(Sockets, an_ipv4_peer_of_a_dual_stack_listener_is_ipv4) {
  auto listener = network->listen(*Address::parse("[::]:0"), {});
  ASSERT_TRUE(listener) << listener.error().message();
  std::vector<StreamHandle> accepted;
  tasks.spawn(accept_into(**listener, accepted));
  StreamHandle ours = *connect(Address::loopback((*listener)->address().port()));
  EXPECT_TRUE(until([&] { return !accepted.empty(); }));
  EXPECT_EQ(accepted.front()->peer().host_text(), "127.0.0.1") << "not ::ffff:127.0.0.1";
  tasks.cancel_all();
}

}  // namespace
}  // namespace parley::net
