#include <string>

#include <gtest/gtest.h>

#include "edge/exchange_fake.h"
#include "edge/hsts.h"
#include "edge/https_redirect.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"

namespace parley::edge {
namespace {

// Answers 200, or the failure's status.
class Answer final : public http::ExchangeService {
 public:
  loop::Task<void> serve(http::Exchange& exchange) override {
    exchange.begin({200, {}}, true);
    co_return;
  }
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override {
    exchange.begin({failure.http_status(), {}}, true);
    co_return;
  }
};

struct Https : ::testing::Test {
  loop::FakeLoop fake;
  loop::TaskSet tasks{fake.loop};
  Answer answer;

  void serve(http::ExchangeService& service, FakeExchange& exchange) {
    tasks.spawn(service.serve(exchange));
    fake.loop.run_until_idle();
  }
  std::string location(std::string_view authority, std::string_view target, uint16_t port) {
    FakeExchange exchange(fake.loop, "POST", target, authority);
    HttpsRedirect redirect(answer, port);
    serve(redirect, exchange);
    return std::to_string(exchange.head.status) + " " +
           std::string(exchange.head.fields.find(FieldId::Location).value_or(""));
  }
};

TEST_F(Https, redirects_to_the_same_path) {
  EXPECT_EQ(location("shop.test", "/v1/users?a=b", 443), "308 https://shop.test/v1/users?a=b");
  EXPECT_EQ(location("shop.test:8080", "/", 8443), "308 https://shop.test:8443/");
  EXPECT_EQ(location("[::1]:8080", "/x", 443), "308 https://[::1]/x");
}

TEST_F(Https, redirects_what_has_no_path_to_the_root) {
  EXPECT_EQ(location("shop.test", "*", 443), "308 https://shop.test/");
}

TEST_F(Https, cannot_redirect_without_a_host) { EXPECT_EQ(location("", "/", 443), "400 "); }

TEST_F(Https, says_hsts_where_a_proxy_had_the_tls) {
  Hsts hsts(answer, {.max_age = std::chrono::hours(1)});
  FakeExchange exchange(fake.loop, "GET", "/");
  exchange.set_secure(true);
  serve(hsts, exchange);
  EXPECT_TRUE(exchange.head.fields.find("strict-transport-security"));
}

TEST_F(Https, says_hsts_over_tls) {
  Hsts hsts(answer, {.max_age = std::chrono::hours(1), .subdomains = true, .preload = true});
  FakeExchange exchange(fake.loop, "GET", "/");
  exchange.tls_info.active = true;
  serve(hsts, exchange);
  EXPECT_EQ(exchange.head.fields.find("strict-transport-security"),
            "max-age=3600; includeSubDomains; preload");
  EXPECT_EQ(exchange.head.fields.find("x-content-type-options"), "nosniff");
}

TEST_F(Https, says_hsts_with_refusals_too) {
  Hsts hsts(answer, {.max_age = std::chrono::seconds(1)});
  FakeExchange exchange(fake.loop, "GET", "/");
  exchange.tls_info.active = true;
  tasks.spawn(hsts.refuse(exchange, Failure(Reason::RequestMalformed, "no")));
  fake.loop.run_until_idle();
  EXPECT_EQ(exchange.head.status, 400);
  EXPECT_EQ(exchange.head.fields.find("strict-transport-security"), "max-age=1");
}

TEST_F(Https, says_no_hsts_in_clear_text) {
  Hsts hsts(answer, {.max_age = std::chrono::hours(1)});
  FakeExchange exchange(fake.loop, "GET", "/");
  serve(hsts, exchange);
  EXPECT_EQ(exchange.head.status, 200);
  EXPECT_FALSE(exchange.head.fields.find("strict-transport-security"));
  EXPECT_EQ(exchange.head.fields.find("x-content-type-options"), "nosniff");
}

}  // namespace
}  // namespace parley::edge
