#include "service/health.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "loop/loop_fake.h"
#include "service/client_fake.h"
#include "service/unary.h"
#include "wire/grpc_compression.h"

namespace parley::service {
namespace {

using Messages = std::vector<std::string>;

class FakeSource final : public HealthSource {
 public:
  explicit FakeSource(loop::Loop& loop) : changed_(loop) {}

  Serving status_of(std::string_view service) const override {
    const auto found = statuses.find(service);
    return found == statuses.end() ? Serving::ServiceUnknown : found->second;
  }
  std::vector<std::string> services() const override {
    Messages names;
    for (const auto& [name, status] : statuses)
      if (!name.empty()) names.push_back(name);
    return names;
  }
  loop::Signal& changed() override { return changed_; }

  std::map<std::string, Serving, std::less<>> statuses = {
      {"", Serving::Serving}, {"a.Up", Serving::Serving}, {"a.Down", Serving::NotServing}};

 private:
  loop::Signal changed_;
};

class HealthTest : public testing::Test {
 protected:
  void set(const std::string& service, Serving status) {
    source.statuses[service] = status;
    source.changed().notify();
    fake.loop.run_until_idle();
  }

  loop::FakeLoop fake;
  FakeSource source{fake.loop};
  Health health{source};
  FakeClient check{fake, health, "grpc.health.v1.Health.Check"};
  FakeClient watch{fake, health, "grpc.health.v1.Health.Watch"};
};

TEST_F(HealthTest, check_answers_for_the_gateway_as_a_whole) {
  check.ask({"{}"});
  EXPECT_EQ(check.take(), Messages{R"({"status":"SERVING"})"});
  EXPECT_EQ(check.outcome(), "OK");
}

TEST_F(HealthTest, check_answers_for_a_service_as_its_upstream_is) {
  check.ask({R"({"service":"a.Down"})"});
  EXPECT_EQ(check.take(), Messages{R"({"status":"NOT_SERVING"})"});
}

TEST_F(HealthTest, check_of_an_unknown_service_is_not_found) {
  check.ask({R"({"service":"a.Other"})"});
  EXPECT_EQ(check.outcome(), "NOT_FOUND: no service \"a.Other\" is served here");
  EXPECT_EQ(check.take(), Messages{});
}

TEST_F(HealthTest, check_wants_one_message) {
  check.ask({});
  EXPECT_EQ(check.outcome(), "INVALID_ARGUMENT: the request has no message");
  FakeClient twice(fake, health, "grpc.health.v1.Health.Check");
  twice.ask({"{}", "{}"});
  EXPECT_EQ(twice.outcome(), "INVALID_ARGUMENT: the request has more than one message");
}

TEST_F(HealthTest, check_refuses_what_is_no_message) {
  check.send_part(call::whole_message(Bytes::copy("\x0a\xff")));
  check.ask({});
  EXPECT_EQ(check.outcome(), "INVALID_ARGUMENT: the request is not a valid message");
}

TEST_F(HealthTest, check_skips_fields_that_it_does_not_know) {
  check.send_part(
      call::whole_message(Bytes::copy("\x18\x01\x0a\x04"
                                      "a.Up")));
  check.ask({});
  EXPECT_EQ(check.take(), Messages{R"({"status":"SERVING"})"});
}

TEST_F(HealthTest, check_takes_compressed_requests) {
  check.call.encoding = "gzip";
  const std::string_view plain(
      "\x0a\x06"
      "a.Down");
  check.send_part(
      call::whole_message(wire::compress_message(wire::MessageEncoding::Gzip, plain), true));
  check.ask({});
  EXPECT_EQ(check.take(), Messages{R"({"status":"NOT_SERVING"})"});
}

TEST_F(HealthTest, check_refuses_an_unknown_compression) {
  check.call.encoding = "br";
  check.send_part(call::whole_message(Bytes::copy("x"), true));
  check.ask({});
  EXPECT_TRUE(check.outcome().starts_with("UNIMPLEMENTED: ")) << check.outcome();
}

TEST_F(HealthTest, check_refuses_a_message_that_is_too_large) {
  check.send_part(call::whole_message(Bytes::copy(std::string(kRequestBytesMax + 1, 'x'))));
  check.ask({});
  ASSERT_TRUE(check.failure);
  EXPECT_EQ(check.failure->reason(), Reason::BodyTooLarge);
  EXPECT_EQ(check.failure->limit_name(), "fixed.own_message_bytes_max");
}

TEST_F(HealthTest, list_answers_for_all) {
  FakeClient list(fake, health, "grpc.health.v1.Health.List");
  list.ask({"{}"});
  EXPECT_EQ(list.take(), Messages{R"({"statuses":{"a.Down":{"status":"NOT_SERVING"},)"
                                  R"("a.Up":{"status":"SERVING"},"":{"status":"SERVING"}}})"});
}

TEST_F(HealthTest, list_of_too_many_services_is_refused) {
  for (size_t i = 0; i < Health::kListMax; ++i) source.statuses[std::to_string(i)];
  FakeClient list(fake, health, "grpc.health.v1.Health.List");
  list.ask({"{}"});
  ASSERT_TRUE(list.failure);
  EXPECT_EQ(list.failure->code(), Code::ResourceExhausted);
  EXPECT_EQ(list.failure->limit_name(), "fixed.health_list_max");
  EXPECT_TRUE(list.failure->message().contains("more than " + std::to_string(Health::kListMax)));
}

TEST_F(HealthTest, watch_tells_each_change) {
  watch.ask({R"({"service":"a.Up"})"});
  EXPECT_EQ(watch.take(), Messages{R"({"status":"SERVING"})"});
  set("a.Up", Serving::NotServing);
  EXPECT_EQ(watch.take(), Messages{R"({"status":"NOT_SERVING"})"});
  set("a.Down", Serving::Serving);
  EXPECT_EQ(watch.take(), Messages{}) << "another service";
  EXPECT_EQ(watch.outcome(), "") << "it goes on";
}

TEST_F(HealthTest, watch_of_an_unknown_service_waits_for_it) {
  watch.ask({R"({"service":"a.Later"})"});
  EXPECT_EQ(watch.take(), Messages{R"({"status":"SERVICE_UNKNOWN"})"});
  set("a.Later", Serving::Serving);
  EXPECT_EQ(watch.take(), Messages{R"({"status":"SERVING"})"});
  source.statuses.erase("a.Later");
  source.changed().notify();
  fake.loop.run_until_idle();
  EXPECT_EQ(watch.take(), Messages{R"({"status":"SERVICE_UNKNOWN"})"});
}

TEST_F(HealthTest, a_slow_watcher_gets_the_latest_status_only) {
  watch.read_slowly(true);
  watch.ask({R"({"service":"a.Up"})"});
  EXPECT_EQ(watch.take(), Messages{R"({"status":"SERVING"})"});
  set("a.Up", Serving::NotServing);
  set("a.Up", Serving::Unknown);
  EXPECT_EQ(watch.take(), Messages{});
  watch.read_slowly(false);
  EXPECT_EQ(watch.take(), Messages{R"({"status":"UNKNOWN"})"});
}

TEST_F(HealthTest, a_watcher_that_goes_away_is_forgotten) {
  watch.ask({"{}"});
  EXPECT_TRUE(source.changed().awaited());
  watch.cancel();
  EXPECT_FALSE(source.changed().awaited());
}

}  // namespace
}  // namespace parley::service
