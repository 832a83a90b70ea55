#include "net/address.h"

#include <cstring>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace parley::net {
namespace {

std::string error_of(std::string_view text) {
  const auto address = Address::parse(text);
  return address ? "none" : address.error().message();
}

TEST(Address, prints_what_it_parsed) {
  for (const char* text :
       {"127.0.0.1:8080", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:8080", "[::]:1",
        "[2001:db8::17]:443", "unix:/run/x.sock", "unix:relative", "unix:@abstract"}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
    EXPECT_EQ(*Address::parse(address->text()), *address);
  }
}

TEST(Address, knows_host_and_port) {
  EXPECT_EQ(Address::parse("10.1.2.3:80")->host_text(), "10.1.2.3");
  EXPECT_EQ(Address::parse("10.1.2.3:80")->port(), 80);
  EXPECT_EQ(Address::parse("[::1]:81")->host_text(), "::1");
  EXPECT_EQ(Address::parse("[::1]:81")->port(), 81);
  EXPECT_EQ(Address::parse("unix:/x")->port(), 0);
  EXPECT_EQ(Address::parse("unix:/x")->host_text(), "unix:/x");
  Address address = *Address::parse("[::1]:81");
  address.set_port(82);
  EXPECT_EQ(address.text(), "[::1]:82");
}

TEST(Address, says_what_is_wrong) {
  EXPECT_EQ(error_of(""), R"("" lacks a host)");
  EXPECT_EQ(error_of(":80"), R"(":80" lacks a host)");
  EXPECT_EQ(error_of("[]:80"), R"("[]:80" lacks a host)");
  EXPECT_EQ(error_of("127.0.0.1"), R"("127.0.0.1" lacks a port, as in 127.0.0.1:80)");
  EXPECT_EQ(error_of("127.0.0.1:"), R"("127.0.0.1:" lacks a port, as in 127.0.0.1:80)");
  EXPECT_EQ(error_of("[::1]"), R"("[::1]" lacks a port, as in [::1]:80)");
  EXPECT_EQ(error_of("[::1]80"), R"("[::1]80" lacks a port, as in [::1]:80)");
  EXPECT_EQ(error_of("[::1:80"), R"("[::1:80" lacks the closing bracket)");
  EXPECT_EQ(error_of("::1:80"),
            R"("::1:80" has several colons: an IPv6 address stands in brackets, as in [::1]:80)");
  EXPECT_EQ(error_of("1.2.3.4:http"),
            R"("http" is not a port: a number from 0 to 65535 is expected)");
  EXPECT_EQ(error_of("1.2.3.4:65536"),
            R"("65536" is not a port: a number from 0 to 65535 is expected)");
  EXPECT_EQ(error_of("1.2.3.4:-1"), R"("-1" is not a port: a number from 0 to 65535 is expected)");
  EXPECT_EQ(error_of("localhost:80"), R"("localhost" is not an IP address)");
  EXPECT_EQ(error_of("1.2.3:80"), R"("1.2.3" is not an IP address)");
  EXPECT_EQ(error_of("[::1%nowhere]:80"), R"("::1%nowhere" is not an IP address)");
  EXPECT_EQ(error_of("unix:"), "a Unix socket's address lacks its path");
  EXPECT_EQ(error_of("unix:@"), "a Unix socket's address lacks its path");
  EXPECT_EQ(error_of(std::string_view("unix:a\0b", 8)),
            "a Unix socket's path contains a zero byte");
  EXPECT_EQ(error_of(std::string_view("1.2.3.4\0:80", 11)),
            std::string("\"1.2.3.4\0\" is not an IP address", 31));
  const std::string path(108, 'x');
  EXPECT_EQ(error_of("unix:" + path),
            "the Unix socket's path \"" + path + "\" has more than 107 bytes");
  EXPECT_EQ(error_of("unix:" + path.substr(1)), "none");
}

TEST(Address, an_ipv4_mapped_address_is_the_ipv4_address) {
  EXPECT_EQ(Address::parse("[::ffff:10.0.0.1]:80")->text(), "10.0.0.1:80");
  EXPECT_EQ(Address::parse("[::ffff:10.0.0.1]:80")->family(), AF_INET);
}

TEST(Address, link_local_keeps_its_interface) {
  EXPECT_EQ(Address::parse("[fe80::1%1]:80")->text(), "[fe80::1%1]:80");
  EXPECT_EQ(Address::parse("[fe80::1%lo]:80")->text(), "[fe80::1%1]:80");
  EXPECT_FALSE(*Address::parse("[fe80::1%1]:80") == *Address::parse("[fe80::1%2]:80"));
}

TEST(Address, knows_loopback) {
  for (const char* text :
       {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix:/x", "unix:@x"}) {
    EXPECT_TRUE(Address::parse(text)->is_loopback()) << text;
  }
  for (const char* text : {"0.0.0.0:1", "128.0.0.1:1", "[::]:1", "[2001:db8::1]:1"}) {
    EXPECT_FALSE(Address::parse(text)->is_loopback()) << text;
  }
  EXPECT_FALSE(Address().is_loopback());
}

TEST(Address, differs_by_host_port_and_family) {
  EXPECT_FALSE(*Address::parse("1.2.3.4:1") == *Address::parse("1.2.3.4:2"));
  EXPECT_FALSE(*Address::parse("1.2.3.4:1") == *Address::parse("1.2.3.5:1"));
  EXPECT_FALSE(*Address::parse("0.0.0.0:1") == *Address::parse("[::]:1"));
  EXPECT_FALSE(*Address::parse("unix:@x") == *Address::parse("unix:x"));
  EXPECT_EQ(Address(), Address());
}

TEST(Address, an_unnamed_unix_socket_and_unknown_families_have_a_text) {
  sockaddr_un peer{};
  peer.sun_family = AF_UNIX;
  EXPECT_EQ(Address(reinterpret_cast<sockaddr*>(&peer), sizeof(sa_family_t)).text(), "unix:");
  EXPECT_EQ(Address().text(), "");
  sockaddr_in cut{};
  cut.sin_family = AF_INET;
  EXPECT_EQ(Address(reinterpret_cast<sockaddr*>(&cut), 4).text(), "");
}

TEST(HostPort, takes_names_and_literals_apart) {
  const auto name = split_host_port("users.internal:50051");
  EXPECT_EQ(name->host, "users.internal");
  EXPECT_EQ(name->port, 50051);
  EXPECT_EQ(split_host_port("[::1]:80")->host, "::1");
}

}  // namespace
}  // namespace parley::net
