#include "service/admin.h"

#include <string>

#include <gtest/gtest.h>

#include "loop/loop_fake.h"
#include "service/builtin_contract.h"
#include "service/client_fake.h"
#include "service/process_stats.h"
#include "wire/wire_reader.h"

namespace parley::service {
namespace {

class FakeSources final : public ReadinessSource, public MetricsSource {
 public:
  Readiness readiness() override { return state; }
  loop::Task<Bytes> metrics_text() override { co_return Bytes::copy("parley_x 1\n"); }
  Readiness state;
};

class AdminTest : public testing::Test {
 protected:
  // The answer of a method; what it says of itself goes to `content_type`.
  std::string answer(const std::string& method) {
    FakeClient client(fake, admin, "parley.admin.v1.Admin." + method);
    client.ask({"{}"});
    failure = std::move(client.failure);
    std::string data;
    if (client.wire.empty()) return data;
    wire::WireReader body(client.wire.front());
    while (body.next()) (body.number() == 1 ? content_type : data) = body.bytes();
    return data;
  }

  loop::FakeLoop fake;
  FakeSources sources;
  Admin admin{sources, sources};
  std::string content_type;
  std::optional<Failure> failure;
};

TEST_F(AdminTest, is_alive_whatever_the_upstreams_are) {
  EXPECT_EQ(answer("Healthz"), "ok\n");
  EXPECT_EQ(content_type, "text/plain; charset=utf-8");
}

TEST_F(AdminTest, shows_metrics_as_prometheus_asks_for_them) {
  EXPECT_EQ(answer("Metrics"), "parley_x 1\n");
  EXPECT_EQ(content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(AdminTest, a_ready_gateway_shows_every_upstream_and_problem) {
  sources.state = {
      .ready = true,
      .upstreams = {{"users", true, "12 methods, 2 endpoints connected"},
                    {"orders", false, "connection refused"}},
      .problems = {"users: the new contract was not taken: duplicate route GET /v1/users"}};
  EXPECT_EQ(answer("Readyz"),
            "ready\n"
            "users: ready, 12 methods, 2 endpoints connected\n"
            "orders: not ready, connection refused\n"
            "problem: users: the new contract was not taken: duplicate route GET /v1/users\n");
  EXPECT_EQ(content_type, "text/plain; charset=utf-8");
}

TEST_F(AdminTest, a_gateway_that_is_not_ready_says_why) {
  sources.state = {.ready = false,
                   .upstreams = {{"users", true, ""}, {"orders", false, "connection refused"}},
                   .problems = {"the route GET /v1/x is declared twice"}};
  EXPECT_EQ(answer("Readyz"), "");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->http_status(), 503);
  EXPECT_EQ(failure->code(), Code::Unavailable);
  EXPECT_EQ(failure->message(),
            "not ready: orders: not ready, connection refused; "
            "the route GET /v1/x is declared twice");
  ASSERT_EQ(failure->violations().size(), 2u);
  EXPECT_EQ(failure->violations()[0].field, "orders");
}

TEST_F(AdminTest, a_gateway_that_shuts_down_is_not_ready) {
  sources.state = {.ready = true, .draining = true, .upstreams = {{"users", true, ""}}};
  answer("Readyz");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->reason(), Reason::ShuttingDown);
  EXPECT_EQ(failure->message(), "shutting down");
}

TEST(BuiltinContract, declares_the_services_that_are_served) {
  const contract::Contract& contract = builtin_contract();
  EXPECT_EQ(contract.services().size(), 4u);
  for (const std::string_view name :
       {kHealthService, kReflectionService, kReflectionAlphaService, kAdminService})
    EXPECT_NE(contract.find_service(name), nullptr) << name;
  const contract::Method* const readyz = contract.find_method("/parley.admin.v1.Admin/Readyz");
  ASSERT_NE(readyz, nullptr);
  ASSERT_EQ(readyz->rules.size(), 1u);
  EXPECT_EQ(readyz->rules[0].verb, "GET");
  EXPECT_EQ(readyz->output->well_known, contract::WellKnown::HttpBody);
}

TEST(ProcessStats, reads_what_the_kernel_says) {
  const observe::ProcessStats stats = read_process_stats("1.2.3");
  EXPECT_EQ(stats.version, "1.2.3");
  EXPECT_GT(stats.resident_bytes.value_or(0), 1'000'000u);
  EXPECT_GE(stats.virtual_bytes.value_or(0), *stats.resident_bytes);
  EXPECT_GE(stats.open_fds.value_or(0), 3u);
  EXPECT_GT(stats.max_fds.value_or(0), *stats.open_fds);
  EXPECT_GE(stats.cpu_seconds.value_or(-1), 0);
  const double now = std::chrono::duration<double>(SystemClock().wall().time_since_epoch()).count();
  EXPECT_NEAR(stats.start_time_seconds.value_or(0), now, 300);
}

}  // namespace
}  // namespace parley::service
