#include "gateway/descriptors.h"

#include <gtest/gtest.h>

namespace parley::gateway {
namespace {

Settings settings_with(uint32_t connections_max) {
  Settings settings;
  settings.threads = 2;
  settings.connections_max = connections_max;
  settings.upstreams.resize(1);
  settings.upstreams[0].connection.endpoints = {"a:1", "b:1"};
  settings.upstreams[0].connection.connections_max = 8;
  return settings;
}

// 32 of its own and 8 for each thread; 8 to each of 2 endpoints, in both threads.
constexpr uint64_t kBesideClients = 32 + 2 * 8 + 32;

TEST(Descriptors, those_of_upstreams_and_operators_are_kept_from_clients) {
  EXPECT_EQ(descriptors_kept(settings_with(1000), 20'000), kBesideClients);
}

TEST(Descriptors, clients_get_half_of_them_in_any_case) {
  EXPECT_EQ(descriptors_kept(settings_with(1000), 64), 32U);
}

TEST(Descriptors, that_are_as_many_as_the_settings_need_are_no_problem) {
  EXPECT_FALSE(descriptors_short(settings_with(1000), 1000 + kBesideClients));
}

TEST(Descriptors, that_are_one_too_few_are_a_warning_with_what_to_do) {
  const auto problem = descriptors_short(settings_with(1000), 999 + kBesideClients);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->severity, contract::Problem::Severity::Warning);
  EXPECT_NE(problem->what.find("connections_max (1000)"), std::string::npos);
  EXPECT_NE(problem->what.find("room for 999 clients"), std::string::npos);
  EXPECT_NE(problem->remedy.find("allow 1080 "), std::string::npos);
  EXPECT_NE(problem->remedy.find("set connections_max to 999 at most"), std::string::npos);
}

}  // namespace
}  // namespace parley::gateway
