#include "edge/client_address.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace parley::edge {
namespace {

using Header = ForwardedSettings::Header;

// The client behind a peer, "peer" for the peer itself.
std::string client(const std::vector<std::string>& chain, const ForwardedSettings& settings,
                   std::string_view peer = "10.0.0.1") {
  Fields fields;
  for (const std::string& value : chain)
    fields.add(settings.header == Header::Forwarded ? "forwarded" : "x-forwarded-for", value);
  const auto found = client_of(fields, *net::Address::from_literal(peer, 1), settings);
  return found.address ? found.address->host_text() : "peer";
}

ForwardedSettings hops(uint32_t count) { return {.trusted_hops = count}; }

ForwardedSettings ranges(Header header = Header::XForwardedFor) {
  return {.header = header,
          .trusted = {*net::AddressRange::parse("10.0.0.0/8"),
                      *net::AddressRange::parse("2001:db8::/32")}};
}

TEST(ClientAddress, is_so_many_hops_before_the_peer) {
  EXPECT_EQ(client({"6.6.6.6, 192.0.2.1"}, hops(1)), "192.0.2.1");
  EXPECT_EQ(client({"6.6.6.6, 192.0.2.1"}, hops(2)), "6.6.6.6");
  EXPECT_EQ(client({"6.6.6.6, 192.0.2.1, 10.0.0.9"}, hops(2)), "192.0.2.1");
}

TEST(ClientAddress, is_the_first_of_a_chain_that_is_too_short) {
  EXPECT_EQ(client({"192.0.2.1"}, hops(3)), "192.0.2.1");
  EXPECT_EQ(client({}, hops(1)), "peer");
}

TEST(ClientAddress, is_the_last_one_that_nobody_vouches_for) {
  EXPECT_EQ(client({"6.6.6.6, 192.0.2.1, 10.0.0.9"}, ranges()), "192.0.2.1");
  EXPECT_EQ(client({"10.1.1.1, 10.2.2.2"}, ranges()), "10.1.1.1");
  EXPECT_EQ(client({"192.0.2.1, 2001:db8::7"}, ranges(), "2001:db8::1"), "192.0.2.1");
}

TEST(ClientAddress, of_a_stranger_is_his_own) {
  EXPECT_EQ(client({"192.0.2.1"}, ranges(), "203.0.113.1"), "peer");
}

TEST(ClientAddress, reads_several_fields_as_one_list) {
  EXPECT_EQ(client({"6.6.6.6", "192.0.2.1", "10.0.0.9"}, ranges()), "192.0.2.1");
}

TEST(ClientAddress, stops_at_what_it_cannot_read) {
  EXPECT_EQ(client({"192.0.2.1, unknown, 10.0.0.9"}, ranges()), "10.0.0.9");
  EXPECT_EQ(client({"192.0.2.1, "}, hops(1)), "peer");
  EXPECT_EQ(client({"evil.example"}, hops(1)), "peer");
}

TEST(ClientAddress, takes_addresses_with_ports) {
  EXPECT_EQ(client({"192.0.2.1:4711"}, hops(1)), "192.0.2.1");
  EXPECT_EQ(client({"[2001:db8::5]:4711"}, hops(1)), "2001:db8::5");
  EXPECT_EQ(client({"2001:db8::5"}, hops(1)), "2001:db8::5");
  EXPECT_EQ(client({"[2001:db8::5"}, hops(1)), "peer");
  EXPECT_EQ(client({"fe80::1%lo"}, hops(1)), "peer");
}

TEST(ClientAddress, reads_the_standard_field) {
  const ForwardedSettings settings = ranges(Header::Forwarded);
  EXPECT_EQ(client({"for=192.0.2.1;proto=http, for=10.0.0.9"}, settings), "192.0.2.1");
  EXPECT_EQ(client({R"(proto=https; For="[2001:db9::1]:80")"}, settings), "2001:db9::1");
  EXPECT_EQ(client({"for=_hidden"}, settings), "peer");
  EXPECT_EQ(client({"by=192.0.2.1"}, settings), "peer");
}

TEST(ClientAddress, is_not_in_a_quoted_string) {
  ForwardedSettings settings = hops(1);
  settings.header = Header::Forwarded;
  EXPECT_EQ(client({R"(for=192.0.2.1;host="x, for=6.6.6.6;proto=https;y=")"}, settings),
            "192.0.2.1");
  EXPECT_EQ(client({R"(by="_p, q";for=192.0.2.1)"}, settings), "192.0.2.1");
  EXPECT_EQ(client({R"(host="a;for=6.6.6.6;b";for=192.0.2.1)"}, settings), "192.0.2.1");
  EXPECT_EQ(client({R"(host="a\"; for=6.6.6.6, for=6.6.6.7;\\";for=192.0.2.1)"}, settings),
            "192.0.2.1");
}

TEST(ClientAddress, is_safe_from_quotes_that_others_left_open) {
  ForwardedSettings settings = hops(1);
  settings.header = Header::Forwarded;
  EXPECT_EQ(client({R"(for="6.6.6.6, for=192.0.2.1)"}, settings), "192.0.2.1");
  EXPECT_EQ(client({R"(for="6.6.6.6, for=192.0.2.1;host="h")"}, settings), "192.0.2.1");
  EXPECT_EQ(client({R"(for=6.6.6.6\, for="192.0.2.1")"}, settings), "192.0.2.1");
  EXPECT_EQ(client({R"(for=192.0.2.1")"}, settings), "peer");
  EXPECT_EQ(client({R"(for="192.0.2.1)"}, settings), "peer");
}

TEST(ClientAddress, reads_the_named_field_only) {
  Fields fields;
  fields.add("x-forwarded-for", "6.6.6.6");
  const auto peer = *net::Address::from_literal("10.0.0.1", 1);
  EXPECT_FALSE(client_of(fields, peer, ranges(Header::Forwarded)).address);
}

// Whether the client behind 10.0.0.1 came over TLS: "yes", "no" or "?".
std::string secure(std::string_view chain, std::string_view schemes,
                   const ForwardedSettings& settings) {
  Fields fields;
  if (settings.header == Header::Forwarded) {
    fields.add("forwarded", chain);
  } else {
    fields.add("x-forwarded-for", chain);
    if (!schemes.empty()) fields.add("x-forwarded-proto", schemes);
  }
  const auto found = client_of(fields, *net::Address::from_literal("10.0.0.1", 1), settings);
  return !found.secure ? "?" : *found.secure ? "yes" : "no";
}

TEST(ClientScheme, is_what_a_trusted_proxy_says) {
  EXPECT_EQ(secure("192.0.2.1", "https", ranges()), "yes");
  EXPECT_EQ(secure("192.0.2.1", "HTTP", hops(1)), "no");
  EXPECT_EQ(secure("192.0.2.1", "", ranges()), "?");
  EXPECT_EQ(secure("192.0.2.1", "gopher", ranges()), "?");
  EXPECT_EQ(secure("192.0.2.1, 10.0.0.9", "https", ranges()), "yes") << "one for all hops";
}

TEST(ClientScheme, is_of_the_hop_that_the_client_spoke_to) {
  EXPECT_EQ(secure("6.6.6.6, 192.0.2.1, 10.0.0.9", "http, https, http", ranges()), "yes");
  EXPECT_EQ(secure("192.0.2.1, 10.0.0.9", "https, http", hops(1)), "no");
  const auto standard = ranges(Header::Forwarded);
  EXPECT_EQ(secure("for=192.0.2.1;proto=https, for=10.0.0.9;proto=http", "", standard), "yes");
  EXPECT_EQ(secure("for=192.0.2.1, for=10.0.0.9;proto=https", "", standard), "?");
}

TEST(ClientScheme, of_a_stranger_is_his_own) {
  const ForwardedSettings others = {.trusted = {*net::AddressRange::parse("10.9.0.0/16")}};
  EXPECT_EQ(secure("192.0.2.1", "https", others), "?");
}

TEST(ClientAddress, looks_at_a_bounded_number_of_hops) {
  std::string chain = "192.0.2.1";
  for (int i = 0; i < 1000; ++i) chain += ",10.0.0.2";
  EXPECT_EQ(client({chain}, ranges()), "10.0.0.2");
}

}  // namespace
}  // namespace parley::edge
