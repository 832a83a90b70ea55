#include "door/rest_router.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "contract/contract_fake.h"
#include "wire/program.h"

namespace parley::door {
namespace {

// A router over the methods of some rules: the n-th rule is method Mn.
class Routes {
 public:
  explicit Routes(std::initializer_list<std::string_view> rules)
      : contract_(contract::contract_from(proto_of(rules))) {
    for (const contract::Method& method : contract_.services()[0].methods)
      exposed_.push_back({&method, nullptr, &settings_, "names"});
    std::vector<const Exposed*> methods;
    for (const Exposed& exposed : exposed_) methods.push_back(&exposed);
    router_ = RestRouter::build(methods, conflicts_);
  }

  // "M1 a=x b=y": the method and what its variables bind. "none"; "invalid".
  std::string match(std::string_view verb, std::string_view target) const {
    const auto path = RequestPath::parse(target);
    if (!path) return "invalid";
    const RouteMatch found = router_.match(verb, *path);
    if (found.route == nullptr) return "none";
    std::string text(found.route->exposed->method->name);
    const auto& variables = found.route->rule->path.variables;
    for (size_t i = 0; i < variables.size(); ++i)
      text += fmt::format(" {}={}", variables[i].field_path, found.value(*path, i));
    return text;
  }
  std::string allow(std::string_view target) const {
    return router_.allow(*RequestPath::parse(target));
  }
  const RestRouter& router() const { return router_; }
  const std::vector<RouteConflict>& conflicts() const { return conflicts_; }

 private:
  static std::string proto_of(std::initializer_list<std::string_view> rules) {
    std::string text = R"(syntax = "proto3"; package t; import "google/api/annotations.proto";
      message M { string a = 1; string b = 2; M m = 3; } service S {)";
    int number = 0;
    for (const std::string_view rule : rules)
      text += "rpc M" + std::to_string(++number) +
              "(M) returns (M) { option (google.api.http) = {" + std::string(rule) + "}; }\n";
    return text + "}";
  }

  Settings settings_;
  contract::Contract contract_;
  std::vector<Exposed> exposed_;
  std::vector<RouteConflict> conflicts_;
  RestRouter router_;
};

TEST(RestRouter, prefers_literals_then_one_segment_then_the_rest) {
  const Routes routes({"get: '/v1/{a=**}'", "get: '/v1/{a}'", "get: '/v1/x'", "get: '/v1/x/{a}'"});
  EXPECT_EQ(routes.match("GET", "/v1/x"), "M3");
  EXPECT_EQ(routes.match("GET", "/v1/y"), "M2 a=y");
  EXPECT_EQ(routes.match("GET", "/v1/y/z"), "M1 a=y/z");
  EXPECT_EQ(routes.match("GET", "/v1/x/z"), "M4 a=z");
  EXPECT_EQ(routes.match("GET", "/v1"), "M1 a=");
  EXPECT_EQ(routes.match("GET", "/v2"), "none");
  EXPECT_EQ(routes.match("GET", "/"), "none");
}

TEST(RestRouter, goes_back_when_a_literal_leads_nowhere) {
  const Routes routes({"get: '/v1/users/me/mail'", "get: '/v1/users/{a}/{b}'", "get: '/v1/{a=**}'",
                       "get: '/{a}/users/me/home'"});
  EXPECT_EQ(routes.match("GET", "/v1/users/me/mail"), "M1");
  EXPECT_EQ(routes.match("GET", "/v1/users/me/other"), "M2 a=me b=other");
  EXPECT_EQ(routes.match("GET", "/v1/users/me"), "M3 a=users/me");
  EXPECT_EQ(routes.match("GET", "/v1/users/me/home"), "M2 a=me b=home");
  EXPECT_EQ(routes.match("GET", "/v2/users/me/home"), "M4 a=v2");
}

TEST(RestRouter, binds_variables_of_several_segments) {
  const Routes routes({"get: '/v1/{a=shops/*/items/**}'", "get: '/v2/{a=files/**}'",
                       "get: '/v3/{a=x/*}/y/{b}'", "get: '/{a=**}:root'"});
  EXPECT_EQ(routes.match("GET", "/v1/shops/1/items/2/3"), "M1 a=shops/1/items/2/3");
  EXPECT_EQ(routes.match("GET", "/v1/shops/1/items"), "M1 a=shops/1/items");
  EXPECT_EQ(routes.match("GET", "/v2/files"), "M2 a=files");
  EXPECT_EQ(routes.match("GET", "/v3/x/1/y/2"), "M3 a=x/1 b=2");
  EXPECT_EQ(routes.match("GET", "/any/where:root"), "M4 a=any/where");
}

TEST(RestRouter, compares_literals_after_decoding) {
  const Routes routes({"get: '/v1/caf%C3%A9/{a}'", "get: '/v1/a%20b'", "get: '/v1/a%2Fb'"});
  EXPECT_EQ(routes.match("GET", "/v1/caf%c3%a9/1"), "M1 a=1");
  EXPECT_EQ(routes.match("GET", "/v1/%63af%C3%A9/1"), "M1 a=1");
  EXPECT_EQ(routes.match("GET", "/%761/a%20b"), "M2");
  EXPECT_EQ(routes.match("GET", "/v1/a%2fb"), "M3");
  EXPECT_EQ(routes.match("GET", "/v1/a/b"), "none");
}

TEST(RestRouter, takes_a_verb_before_none) {
  const Routes routes({"post: '/v1/{a}'", "post: '/v1/{a}:cancel'", "get: '/v1/{a}'",
                       "post: '/v1/{a=**}:move'", "post: '/v1/x%3Acancel'"});
  EXPECT_EQ(routes.match("POST", "/v1/7:cancel"), "M2 a=7");
  EXPECT_EQ(routes.match("POST", "/v1/7:other"), "M1 a=7:other");
  EXPECT_EQ(routes.match("GET", "/v1/7:cancel"), "M3 a=7:cancel");
  EXPECT_EQ(routes.match("POST", "/v1/7:move"), "M4 a=7") << "no template takes the verb as data";
  EXPECT_EQ(routes.match("POST", "/v1/7%3Acancel"), "M1 a=7%3Acancel");
  EXPECT_EQ(routes.match("POST", "/v1/7:%63ancel"), "M1 a=7:%63ancel") << "verbs are raw";
  EXPECT_EQ(routes.match("POST", "/v1/7:a:cancel"), "M2 a=7:a");
  EXPECT_EQ(routes.match("POST", "/v1/:cancel"), "M1 a=:cancel");
  EXPECT_EQ(routes.match("POST", "/v1/x%3Acancel"), "M5");
  EXPECT_EQ(routes.match("POST", "/v1:move"), "M4 a=");
}

TEST(RestRouter, matches_no_empty_segment) {
  const Routes routes({"get: '/v1/{a}'", "get: '/v2/{a=**}'", "get: '/v3'"});
  for (const char* target : {"/v1/", "/v2/", "/v2//x", "/v2/x/", "/v3/", "//v3", "/v1//"})
    EXPECT_EQ(routes.match("GET", target), "none") << target;
}

TEST(RestRouter, serves_the_root_by_a_double_star) {
  const Routes routes({"get: '/{a=**}'"});
  EXPECT_EQ(routes.match("GET", "/"), "M1 a=");
  EXPECT_EQ(routes.match("GET", "/x/y"), "M1 a=x/y");
}

TEST(RestRouter, tells_http_methods_apart) {
  const Routes routes({"get: '/v1/{a}'", "put: '/v1/{a}'",
                       "custom: {kind: 'PURGE' path: '/v1/{a}'}", "delete: '/v1/{a}'",
                       "patch: '/v1/{a}'"});
  EXPECT_EQ(routes.match("GET", "/v1/x"), "M1 a=x");
  EXPECT_EQ(routes.match("PUT", "/v1/x"), "M2 a=x");
  EXPECT_EQ(routes.match("PURGE", "/v1/x"), "M3 a=x");
  EXPECT_EQ(routes.match("DELETE", "/v1/x"), "M4 a=x");
  EXPECT_EQ(routes.match("PATCH", "/v1/x"), "M5 a=x");
  EXPECT_EQ(routes.match("POST", "/v1/x"), "none");
  EXPECT_EQ(routes.match("get", "/v1/x"), "none") << "methods are case-sensitive";
  EXPECT_EQ(routes.match("*", "/v1/x"), "none");
  EXPECT_EQ(routes.allow("/v1/x"), "GET, HEAD, PUT, PATCH, DELETE, PURGE, OPTIONS");
}

TEST(RestRouter, serves_head_by_get) {
  const Routes routes({"get: '/v1/{a}'", "custom: {kind: 'HEAD' path: '/v1/x'}"});
  EXPECT_EQ(routes.match("HEAD", "/v1/y"), "M1 a=y");
  EXPECT_EQ(routes.match("HEAD", "/v1/x"), "M2");
}

TEST(RestRouter, takes_every_method_for_a_star) {
  const Routes routes({"custom: {kind: '*' path: '/v1/{a}'}", "get: '/v1/{a}'"});
  EXPECT_EQ(routes.match("GET", "/v1/x"), "M2 a=x") << "the named method comes first";
  EXPECT_EQ(routes.match("BREW", "/v1/x"), "M1 a=x");
  EXPECT_EQ(routes.match("OPTIONS", "/v1/x"), "none") << "OPTIONS asks what there is";
  EXPECT_EQ(routes.allow("/v1/x"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
}

TEST(RestRouter, goes_on_when_a_path_has_another_method_only) {
  const Routes routes({"post: '/v1/x'", "get: '/v1/{a}'"});
  EXPECT_EQ(routes.match("GET", "/v1/x"), "M2 a=x");
  EXPECT_EQ(routes.allow("/v1/x"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(routes.allow("/v1/y"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(routes.allow("/v2"), "");
}

TEST(RestRouter, lists_methods_of_both_readings_of_a_verb) {
  const Routes routes({"get: '/v1/{a}'", "post: '/v1/{a}:cancel'"});
  EXPECT_EQ(routes.allow("/v1/x:cancel"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(routes.allow("/v1/x:other"), "GET, HEAD, OPTIONS");
}

TEST(RestRouter, serves_every_unary_method_by_its_grpc_path) {
  const Routes routes({"get: '/v1/{a}'"});
  EXPECT_EQ(routes.match("POST", "/t.S/M1"), "M1");
  EXPECT_EQ(routes.match("GET", "/t.S/M1"), "none");
  EXPECT_EQ(routes.allow("/t.S/M1"), "POST, OPTIONS");
  EXPECT_EQ(routes.router().routes().size(), 2u);
  EXPECT_TRUE(routes.router().routes()[1].implicit);
}

TEST(RestRouter, names_both_methods_of_a_duplicate) {
  const Routes routes({"get: '/v1/{a}/x'", "get: '/v1/{b=*}/x'", "get: '/v1/{a}/x:go'"});
  ASSERT_EQ(routes.conflicts().size(), 1u);
  const std::string text = routes.conflicts()[0].text();
  for (const char* part : {"GET", "/v1/{b=*}/x", "t.S.M1", "t.S.M2", "test.proto", "names"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  EXPECT_EQ(routes.match("GET", "/v1/q/x"), "M1 a=q") << "the first one stays";
}

TEST(RestRouter, takes_a_rule_that_spells_its_own_implicit_path) {
  const Routes own({"post: '/t.S/M1' body: '*'"});
  EXPECT_TRUE(own.conflicts().empty());
  const Routes foreign({"post: '/t.S/M2'", "get: '/v1'"});
  EXPECT_EQ(foreign.conflicts().size(), 1u);
}

TEST(RestRouter, serves_additional_bindings) {
  const Routes routes({"get: '/v1/{a}' additional_bindings {get: '/v1/{a}/{b}'}"});
  EXPECT_EQ(routes.match("GET", "/v1/x"), "M1 a=x");
  EXPECT_EQ(routes.match("GET", "/v1/x/y"), "M1 a=x b=y");
}

TEST(RestRouter, matches_nothing_when_it_is_empty) {
  const RestRouter router;
  EXPECT_EQ(router.match("GET", *RequestPath::parse("/v1")).route, nullptr);
  EXPECT_EQ(router.allow(*RequestPath::parse("/v1")), "");
}

TEST(RestRouter, holds_many_routes) {
  std::vector<std::string> rules;
  std::string text = R"(syntax = "proto3"; package t; import "google/api/annotations.proto";
      message M { string a = 1; } service S {)";
  for (int i = 0; i < 500; ++i)
    text += "rpc M" + std::to_string(i) +
            "(M) returns (M) { option (google.api.http) = {get: '/v1/r" + std::to_string(i) +
            "/{a}'}; }\n";
  const auto contract = contract::contract_from(text + "}");
  const Settings settings;
  std::vector<Exposed> exposed;
  for (const auto& method : contract.services()[0].methods)
    exposed.push_back({&method, nullptr, &settings, "many"});
  std::vector<const Exposed*> methods;
  for (const Exposed& one : exposed) methods.push_back(&one);
  std::vector<RouteConflict> conflicts;
  const RestRouter router = RestRouter::build(methods, conflicts);
  EXPECT_TRUE(conflicts.empty());
  for (int i = 0; i < 500; ++i) {
    const std::string target = "/v1/r" + std::to_string(i) + "/x";
    const RouteMatch found = router.match("GET", *RequestPath::parse(target));
    ASSERT_NE(found.route, nullptr) << target;
    EXPECT_EQ(found.route->exposed->method->name, "M" + std::to_string(i));
  }
}

}  // namespace
}  // namespace parley::door
