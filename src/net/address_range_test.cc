#include "net/address_range.h"

#include <gtest/gtest.h>

namespace parley::net {
namespace {

bool in(std::string_view range, std::string_view address) {
  return AddressRange::parse(range)->contains(*Address::from_literal(address, 1));
}

TEST(AddressRange, has_the_addresses_of_its_prefix) {
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(in("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(in("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(in("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(in("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(in("0.0.0.0/0", "2001:db8::1"));
}

TEST(AddressRange, of_a_lone_address_has_that_one) {
  EXPECT_TRUE(in("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(in("127.0.0.1", "127.0.0.2"));
  EXPECT_TRUE(in("::1", "::1"));
}

TEST(AddressRange, knows_mapped_addresses_as_what_they_are) {
  EXPECT_TRUE(in("10.0.0.0/8", "::ffff:10.1.2.3"));
}

TEST(AddressRange, of_unix_has_unix_sockets_only) {
  const AddressRange range = *AddressRange::parse("unix");
  EXPECT_TRUE(range.contains(*Address::parse("unix:/run/x.sock")));
  EXPECT_FALSE(range.contains(Address::loopback(1)));
  EXPECT_FALSE(AddressRange().contains(Address()));
}

TEST(AddressRange, refuses_what_is_none) {
  for (const char* text : {"", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.1/8",
                           "::/129", "2001:db8::1/32", "10.0.0.0/8/8", "/8"})
    EXPECT_FALSE(AddressRange::parse(text)) << text;
}

}  // namespace
}  // namespace parley::net
