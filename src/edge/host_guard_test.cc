#include "edge/host_guard.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "edge/exchange_fake.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"

namespace parley::edge {
namespace {

// Answers everything, and keeps what was refused.
class NextService final : public http::ExchangeService {
 public:
  loop::Task<void> serve(http::Exchange& exchange) override {
    exchange.begin({200, {}}, true);
    co_return;
  }
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override {
    exchange.begin({failure.http_status(), {}}, true);
    refused = std::move(failure);
    co_return;
  }
  std::optional<Failure> refused;
};

HostGuard guard_of(std::string_view listener, HostSettings settings = {}) {
  static NextService next;
  return HostGuard(next, *net::Address::parse(listener), settings);
}

TEST(HostGuard, allows_loopback_names_and_addresses) {
  const HostGuard guard = guard_of("127.0.0.1:8081");
  for (const char* host : {"localhost", "LOCALHOST:8081", "localhost.", "admin.localhost:9",
                           "127.0.0.1", "127.0.0.1:8081", "127.9.9.9", "[::1]", "[::1]:8081"})
    EXPECT_TRUE(guard.allows(host)) << host;
}

TEST(HostGuard, refuses_names_and_addresses_of_others) {
  const HostGuard guard = guard_of("127.0.0.1:8081");
  for (const char* host : {"evil.example", "evil.example:8081", "localhost.evil.example",
                           "notlocalhost", "10.0.0.1", "[2001:db8::1]:8081"})
    EXPECT_FALSE(guard.allows(host)) << host;
}

TEST(HostGuard, refuses_what_is_no_host) {
  const HostGuard guard = guard_of("127.0.0.1:8081");
  for (const char* host : {"", ":8081", "user@localhost", "localhost:80:80", "localhost:x", "[::1",
                           "[::1]x", "[::1]:x", "::1", ".", "[]", "localhost:8081@evil.example"})
    EXPECT_FALSE(guard.allows(host)) << host;
}

TEST(HostGuard, allows_its_own_address) {
  EXPECT_TRUE(guard_of("10.0.0.1:8081").allows("10.0.0.1:8081"));
  EXPECT_TRUE(guard_of("10.0.0.1:8081").allows("10.0.0.1"));
  EXPECT_FALSE(guard_of("10.0.0.1:8081").allows("10.0.0.2"));
  EXPECT_TRUE(guard_of("[2001:db8::1]:8081").allows("[2001:DB8:0::1]:8081"));
}

TEST(HostGuard, on_every_address_allows_addresses_but_no_names) {
  for (const char* listener : {"0.0.0.0:8081", "[::]:8081"}) {
    const HostGuard guard = guard_of(listener);
    EXPECT_TRUE(guard.allows("10.0.0.1:8081"));
    EXPECT_TRUE(guard.allows("[2001:db8::1]"));
    EXPECT_FALSE(guard.allows("evil.example"));
  }
}

TEST(HostGuard, on_a_unix_socket_allows_everything) {
  EXPECT_TRUE(guard_of("unix:@admin").allows("anything"));
}

TEST(HostGuard, allows_configured_names_in_any_case) {
  const HostGuard guard = guard_of("127.0.0.1:8081", {.names = {"Parley.Internal"}});
  EXPECT_TRUE(guard.allows("parley.INTERNAL:8081"));
  EXPECT_FALSE(guard.allows("x.parley.internal"));
}

TEST(HostGuard, answers_403_and_says_what_to_do) {
  loop::FakeLoop fake;
  loop::TaskSet tasks(fake.loop);
  NextService next;
  HostGuard guard(next, *net::Address::parse("127.0.0.1:8081"), {});
  FakeExchange own(fake.loop, "GET", "/metrics", "localhost:8081");
  FakeExchange foreign(fake.loop, "GET", "/metrics", "evil.example");
  tasks.spawn(guard.serve(own));
  tasks.spawn(guard.serve(foreign));
  fake.loop.run_until_idle();
  EXPECT_EQ(own.head.status, 200);
  EXPECT_EQ(foreign.head.status, 403);
  ASSERT_TRUE(next.refused);
  EXPECT_EQ(next.refused->reason(), Reason::HostForbidden);
  EXPECT_NE(next.refused->message().find("evil.example"), std::string::npos);
}

}  // namespace
}  // namespace parley::edge
