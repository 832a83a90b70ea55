#include "gateway/exposure.h"

#include <gtest/gtest.h>

#include "contract/contract_fake.h"
#include "gateway/snapshot.h"

namespace parley::gateway {
namespace {

constexpr std::string_view kOrders = R"(
  syntax = "proto3"; package shop.v1;
  import "google/api/annotations.proto";
  message M { string s = 1; }
  service Orders {
    rpc Get(M) returns (M) { option (google.api.http) = { get: "/v1/orders/{s}" }; }
    rpc Purge(M) returns (M);
  })";

TEST(Exposure, a_selector_names_a_method_a_service_or_everything_below) {
  EXPECT_TRUE(selects("*", "shop.v1.Orders.Get"));
  EXPECT_TRUE(selects("shop.v1.*", "shop.v1.Orders.Get"));
  EXPECT_TRUE(selects("shop.v1.Orders", "shop.v1.Orders.Get"));
  EXPECT_TRUE(selects("shop.v1.Orders.Get", "shop.v1.Orders.Get"));
  EXPECT_FALSE(selects("shop.v1.Order", "shop.v1.Orders.Get"));
  EXPECT_FALSE(selects("shop.v1.Orders.Ge", "shop.v1.Orders.Get"));
  EXPECT_FALSE(selects("shop.v2.*", "shop.v1.Orders.Get"));
}

TEST(Exposure, decides_by_mode_and_says_why) {
  const contract::Contract contract = contract::contract_from(kOrders);
  const contract::Method& get = *contract.find_method("/shop.v1.Orders/Get");
  const contract::Method& purge = *contract.find_method("/shop.v1.Orders/Purge");
  EXPECT_TRUE(decide({}, purge, false).exposed);
  EXPECT_FALSE(decide({}, purge, true).exposed);
  EXPECT_TRUE(decide({Expose::Mode::All, {}}, purge, true).exposed);
  EXPECT_TRUE(decide({Expose::Mode::Annotated, {}}, get, true).exposed);
  EXPECT_FALSE(decide({Expose::Mode::Annotated, {}}, purge, true).exposed);
  const Expose selected{Expose::Mode::Selectors, {"shop.v1.Orders.Purge"}};
  EXPECT_TRUE(decide(selected, purge, true).exposed);
  EXPECT_FALSE(decide(selected, get, true).exposed);
  EXPECT_EQ(decide(selected, get, true).reason, "no selector of `expose` matches");
}

TEST(Exposure, never_forwards_reserved_services) {
  const contract::Contract contract = contract::contract_from(
      "syntax = \"proto3\"; package grpc.health.v1; message M {} service Health { rpc Check(M) "
      "returns (M); }");
  EXPECT_FALSE(
      decide({Expose::Mode::All, {}}, *contract.find_method("/grpc.health.v1.Health/Check"), false)
          .exposed);
}

TEST(Exposure, merges_setting_by_setting_the_most_specific_last) {
  const std::vector<MethodOverride> overrides = {
      {.selector = "shop.v1.Orders.Get", .timeout = std::chrono::seconds(2)},
      {.selector = "*", .timeout = std::chrono::seconds(9), .enum_numbers = true},
  };
  const door::Settings merged = merge({}, overrides, "shop.v1.Orders.Get");
  EXPECT_EQ(merged.timeout, std::chrono::seconds(2));
  EXPECT_TRUE(merged.rest.enum_numbers);
  EXPECT_EQ(merge({}, overrides, "shop.v1.Users.Get").timeout, std::chrono::seconds(9));
}

class SnapshotTest : public testing::Test {
 protected:
  void add(std::string name, std::string_view proto) {
    UpstreamSettings upstream;
    upstream.connection.name = name;
    settings.upstreams.push_back(upstream);
    input.contracts.push_back(
        proto.empty() ? nullptr
                      : std::make_shared<LoadedContract>(name, contract::contract_from(proto)));
    input.pending.push_back(proto.empty() ? "connection refused" : "");
  }
  std::shared_ptr<const Snapshot> build() {
    input.settings = std::make_shared<const Settings>(settings);
    return Snapshot::build(input, problems);
  }

  Settings settings;
  Snapshot::Input input;
  std::vector<contract::Problem> problems;
};

TEST_F(SnapshotTest, finds_methods_and_their_upstream) {
  add("orders", kOrders);
  const auto snapshot = build();
  EXPECT_TRUE(problems.empty());
  const door::Exposed* exposed = snapshot->find_method("/shop.v1.Orders/Get");
  ASSERT_NE(exposed, nullptr);
  EXPECT_EQ(snapshot->upstream_of(*exposed->method), 0u);
  EXPECT_EQ(snapshot->upstream_of_service("shop.v1.Orders"), 0u);
  EXPECT_EQ(snapshot->upstream_of_service("shop.v1.Nobody"), std::nullopt);
  EXPECT_TRUE(snapshot->pending().empty());
}

TEST_F(SnapshotTest, serves_what_is_here_and_says_what_is_pending) {
  add("orders", kOrders);
  add("users", "");
  const auto snapshot = build();
  EXPECT_TRUE(problems.empty());
  EXPECT_NE(snapshot->find_method("/shop.v1.Orders/Get"), nullptr);
  EXPECT_EQ(snapshot->pending(), "upstream users: connection refused");
}

TEST_F(SnapshotTest, the_same_service_from_two_upstreams_is_an_error_that_names_both) {
  add("one", kOrders);
  add("two", kOrders);
  build();
  ASSERT_FALSE(problems.empty());
  EXPECT_EQ(problems[0].what,
            "service shop.v1.Orders is exposed by upstream one and by upstream two");
}

TEST_F(SnapshotTest, the_same_route_from_two_upstreams_is_an_error_that_names_both) {
  add("one", kOrders);
  add("two", R"(
    syntax = "proto3"; package other.v1; import "google/api/annotations.proto"; message M { string t = 1; }
    service S { rpc Get(M) returns (M) { option (google.api.http) = { get: "/v1/orders/{t}" }; } })");
  build();
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].what.find("shop.v1.Orders.Get"), std::string::npos) << problems[0].what;
  EXPECT_NE(problems[0].what.find("other.v1.S.Get"), std::string::npos) << problems[0].what;
}

TEST_F(SnapshotTest, beyond_loopback_somebody_must_say_what_is_exposed) {
  add("orders", kOrders);
  input.beyond_loopback = true;
  build();
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].remedy.find("--expose"), std::string::npos);
}

}  // namespace
}  // namespace parley::gateway
