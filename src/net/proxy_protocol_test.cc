#include "net/proxy_protocol.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "net/net_fake.h"

namespace parley::net {
namespace {

using namespace std::string_literals;
using std::chrono::seconds;

// "client size", "itself size", "more" or "malformed".
std::string read(std::string_view bytes) {
  const auto parsed = parse_proxy_header(bytes);
  if (!parsed) return parsed.error().detail();
  if (!*parsed) return "more";
  const ProxyHeader& header = **parsed;
  return (header.client ? header.client->text() : "itself") + " " + std::to_string(header.size);
}

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

TEST(ProxyProtocol, reads_lines_of_version_1) {
  EXPECT_EQ(read("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET /"), "192.0.2.1:56324 45");
  EXPECT_EQ(read("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"), "[2001:db8::1]:1 44");
  EXPECT_EQ(read("PROXY UNKNOWN\r\n"), "itself 15");
  EXPECT_EQ(read("PROXY UNKNOWN whatever 1 2 3\r\n"), "itself 30");
}

TEST(ProxyProtocol, refuses_other_lines) {
  for (const char* line :
       {"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 \r\n", "PROXY TCP4 192.0.2.1 x 1 2\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 ::1 1 2\r\n", "PROXY TCP6 fe80::1%lo ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "GET / HTTP/1.1\r\n", "PROXY\r\n"})
    EXPECT_EQ(read(line), "malformed") << line;
  EXPECT_EQ(read("PROXY UNKNOWN " + std::string(100, 'x') + "\r\n"), "malformed");
}

TEST(ProxyProtocol, reads_version_2) {
  EXPECT_EQ(read(kSignature + "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"s),
            "192.0.2.1:56324 28");
  EXPECT_EQ(read(kSignature + "\x20\0\0\0"s), "itself 16");
  EXPECT_EQ(read(kSignature + "\x21\0\0\0"s), "itself 16");
  EXPECT_EQ(read(kSignature + "\x21\x12\0\x0c"s + std::string(12, '\x01')), "itself 28")
      << "a datagram's";
  EXPECT_EQ(read(kSignature + "\x21\x21\0\x27"s + "\x20\x01\x0d\xb8"s + std::string(11, '\0') +
                 "\x01"s + std::string(16, '\0') + "\0\x50\0\x50"s + "\4\0\0"s),
            "[2001:db8::1]:80 55");
}

TEST(ProxyProtocol, refuses_other_binary_headers) {
  EXPECT_EQ(read(kSignature + "\x11\x11\0\x0c"s), "malformed");
  EXPECT_EQ(read(kSignature + "\x22\x11\0\x0c"s), "malformed");
  EXPECT_EQ(read(kSignature + "\x21\x11\0\x03"s + "abc"), "malformed");
  EXPECT_EQ(read(kSignature + "\x21\x41\0\0"s), "malformed");
  EXPECT_EQ(read(kSignature + "\x21\x13\0\x0c"s + std::string(12, '\x01')), "malformed");
  EXPECT_EQ(read(kSignature + "\x21\x11\xff\xff"s), "malformed");
}

TEST(ProxyProtocol, waits_for_the_rest_of_a_header) {
  const std::string line = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";
  for (size_t size = 0; size < line.size(); ++size) EXPECT_EQ(read(line.substr(0, size)), "more");
  const std::string binary =
      kSignature + "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"s;
  for (size_t size = 0; size < binary.size(); ++size)
    EXPECT_EQ(read(binary.substr(0, size)), "more");
}

struct ProxiedConnection : ::testing::Test {
  loop::FakeLoop fake;
  WireHandle wire = make_wire(fake.loop);
  std::vector<AddressRange> from = {*AddressRange::parse("127.0.0.0/8")};
  std::unique_ptr<ByteStream> stream;
  std::optional<Failure> failure;
  loop::TaskSet tasks{fake.loop};

  loop::Task<void> take(std::unique_ptr<ByteStream> plain) {
    auto taken = co_await take_proxy_header(std::move(plain), from, fake.loop.now() + seconds(5));
    if (taken)
      stream = *std::move(taken);
    else
      failure = std::move(taken).error();
  }
  MemoryPeer connect() {
    StreamPair pair = memory_pair(fake.loop, wire);
    tasks.spawn(take(std::move(pair.second)));
    return MemoryPeer(std::move(pair.first));
  }
};

TEST_F(ProxiedConnection, has_the_clients_address_and_what_follows) {
  wire->forth.read_bytes_max = 7;
  MemoryPeer balancer = connect();
  balancer.send("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nhello");
  fake.loop.run_until_idle();
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->peer().text(), "192.0.2.1:56324");
  std::string got;
  for (auto chunk = stream->try_read(); chunk && *chunk; chunk = stream->try_read())
    got += (*chunk)->view();
  EXPECT_EQ(got, "hello");
  stream->write(Bytes::copy("answer"));
  fake.loop.run_until_idle();
  EXPECT_EQ(balancer.received(), "answer");
}

TEST_F(ProxiedConnection, of_a_stranger_is_reset) {
  from = {*AddressRange::parse("10.0.0.0/8")};
  MemoryPeer stranger = connect();
  stranger.send("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n");
  fake.loop.run_until_idle();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->detail(), "stranger");
  EXPECT_TRUE(stranger.broken());
}

TEST_F(ProxiedConnection, without_a_header_is_closed) {
  MemoryPeer balancer = connect();
  balancer.send("GET / HTTP/1.1\r\n\r\n");
  fake.loop.run_until_idle();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->detail(), "malformed");
  EXPECT_TRUE(balancer.closed());
}

TEST_F(ProxiedConnection, that_says_nothing_is_closed_in_time) {
  MemoryPeer balancer = connect();
  balancer.send("PROXY ");
  fake.loop.run_until_idle();
  fake.advance(seconds(6));
  fake.loop.run_until_idle();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->detail(), "timeout");
  EXPECT_EQ(failure->limit_name(), "listeners[].proxy_protocol.timeout");
}

}  // namespace
}  // namespace parley::net
