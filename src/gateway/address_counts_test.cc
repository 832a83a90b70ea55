#include "gateway/address_counts.h"

#include <vector>

#include <gtest/gtest.h>

namespace parley::gateway {
namespace {

net::Address address(std::string_view text) { return *net::Address::parse(text); }

TEST(AddressCounts, gives_each_address_as_many_places_as_it_may_have) {
  AddressCounts counts(2);
  const auto first = counts.take(address("10.0.0.1:1000"));
  const auto second = counts.take(address("10.0.0.1:1001"));
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(counts.take(address("10.0.0.1:1002")));
  EXPECT_TRUE(counts.take(address("10.0.0.2:1000")));
}

TEST(AddressCounts, has_a_place_again_when_one_was_given_back) {
  AddressCounts counts(1);
  for (int i = 0; i < 3; ++i) {
    const auto place = counts.take(address("10.0.0.1:1000"));
    EXPECT_TRUE(place);
    EXPECT_FALSE(counts.take(address("10.0.0.1:1001")));
  }
}

TEST(AddressCounts, takes_a_network_of_ipv6_for_one_client) {
  AddressCounts counts(1);
  const auto place = counts.take(address("[2001:db8:1:2::1]:1000"));
  EXPECT_TRUE(place);
  EXPECT_FALSE(counts.take(address("[2001:db8:1:2:ffff::9]:1000")));
  EXPECT_TRUE(counts.take(address("[2001:db8:1:3::1]:1000")));
}

TEST(AddressCounts, does_not_limit_unix_sockets) {
  AddressCounts counts(1);
  std::vector<AddressCounts::Place> places;
  for (int i = 0; i < 5; ++i) {
    auto place = counts.take(address("unix:/run/x.sock"));
    ASSERT_TRUE(place);
    places.push_back(*std::move(place));
  }
}

}  // namespace
}  // namespace parley::gateway
