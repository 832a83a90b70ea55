#include "cli/preview.h"

#include <gtest/gtest.h>

#include "cli/route_table.h"

namespace parley::cli {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

gateway::UpstreamSettings on_disk(std::string name, std::string file) {
  gateway::UpstreamSettings upstream;
  upstream.connection.name = std::move(name);
  upstream.connection.endpoints = {"127.0.0.1:1"};
  upstream.proto.files = {std::move(file)};
  return upstream;
}

gateway::UpstreamSettings shop() { return on_disk("shop", "src/cli/testdata/shop.proto"); }

Strings texts(const std::vector<contract::Problem>& problems) {
  Strings texts;
  for (const contract::Problem& problem : problems) texts.push_back(problem.text());
  return texts;
}

TEST(Preview, shows_every_way_to_every_method) {
  gateway::Settings settings;
  settings.upstreams = {shop()};
  const Preview shown = preview(settings);
  EXPECT_EQ(texts(shown.problems), Strings{});
  EXPECT_EQ(
      text_table(route_rows(*shown.snapshot, false), false),
      "VERB  TEMPLATE                METHOD                 KIND           UPSTREAM\n"
      "GET   /v1/orders/{id}         shop.v1.Orders.Get     unary          shop\n"
      "POST  /v1/orders:get          shop.v1.Orders.Get     unary          shop\n"
      "POST  /shop.v1.Orders/Purge   shop.v1.Orders.Purge   unary          shop      deprecated\n"
      "GET   /v1/orders/{id}:watch   shop.v1.Orders.Watch   server stream  shop\n"
      "POST  /shop.v1.Orders/Tail    shop.v1.Orders.Tail    server stream  shop      gRPC only\n"
      "POST  /shop.v1.Orders/Upload  shop.v1.Orders.Upload  client stream  shop      gRPC only\n"
      "POST  /shop.v1.Orders/Chat    shop.v1.Orders.Chat    bidi stream    shop      gRPC only\n"
      "gRPC serves all of them at /package.Service/Method; REST serves unary methods there, too\n");
}

TEST(Preview, says_why_a_method_is_not_exposed) {
  gateway::Settings settings;
  settings.upstreams = {shop()};
  settings.upstreams[0].expose = {gateway::Expose::Mode::Selectors, {"shop.v1.Orders.Purge"}};
  const Preview shown = preview(settings);
  EXPECT_EQ(route_rows(*shown.snapshot, false).size(), 1u);
  const std::vector<RouteRow> rows = route_rows(*shown.snapshot, true);
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows[0].note(), "not exposed: no selector of `expose` matches");
  EXPECT_EQ(json_lines(std::span(rows).first(2)),
            R"({"verb":"","template":"","method":"shop.v1.Orders.Get","streaming":"unary",)"
            R"("upstream":"shop","exposed":false,"reason":"no selector of `expose` matches",)"
            R"("doors":[],"deprecated":false})"
            "\n"
            R"({"verb":"POST","template":"/shop.v1.Orders/Purge","method":"shop.v1.Orders.Purge",)"
            R"("streaming":"unary","upstream":"shop","exposed":true,)"
            R"("reason":"expose: shop.v1.Orders.Purge","doors":["rest","grpc"],"deprecated":true})"
            "\n");
}

TEST(Preview, has_all_problems_of_all_contracts) {
  gateway::Settings settings;
  settings.upstreams = {on_disk("a", "src/cli/testdata/broken.proto"), shop(),
                        on_disk("none", "src/cli/testdata/none.proto")};
  const Strings problems = texts(preview(settings).problems);
  ASSERT_GE(problems.size(), 2u);
  EXPECT_TRUE(problems[0].starts_with("src/cli/testdata/broken.proto:14:")) << problems[0];
  EXPECT_NE(problems.back().find("none.proto"), std::string::npos) << problems.back();
  EXPECT_EQ(texts(problems_on_disk(settings)), problems);
}

TEST(Preview, refuses_the_same_service_from_two_upstreams) {
  gateway::Settings settings;
  settings.upstreams = {shop(), shop()};
  settings.upstreams[1].connection.name = "again";
  const Strings problems = texts(preview(settings).problems);
  ASSERT_FALSE(problems.empty());
  EXPECT_NE(problems[0].find("by upstream shop and by upstream again"), std::string::npos);
}

TEST(Preview, says_the_flag_when_a_listener_is_beyond_loopback) {
  gateway::Settings settings;
  settings.upstreams = {shop()};
  settings.listeners = {{"0.0.0.0:8080", {}}};
  const Strings problems = texts(preview(settings).problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].find("--expose annotated"), std::string::npos) << problems[0];
}

TEST(Preview, reports_a_rule_whose_method_no_upstream_has) {
  gateway::Settings settings;
  settings.upstreams = {shop()};
  settings.rules = {{.selector = "shop.v1.Orders.Purge",
                     .verb = "DELETE",
                     .path = "/v1/orders",
                     .file = "parley.yaml",
                     .line = 3,
                     .column = 7},
                    {.selector = "shop.v1.Orders.Prune",
                     .verb = "DELETE",
                     .path = "/v1/x",
                     .file = "parley.yaml",
                     .line = 4,
                     .column = 7}};
  EXPECT_EQ(texts(preview(settings).problems),
            Strings{"parley.yaml:4:7: no upstream has a method shop.v1.Orders.Prune; correct the "
                    "selector"});
}

TEST(Preview, shows_the_rest_when_an_upstream_cannot_be_asked) {
  gateway::Settings settings;
  settings.upstreams = {shop()};
  settings.upstreams.emplace_back();
  settings.upstreams[1].connection.name = "down";
  settings.upstreams[1].connection.endpoints = {"unix:/nonexistent/down.sock"};
  const Preview shown = preview(settings, 5s);
  EXPECT_EQ(route_rows(*shown.snapshot, false).size(), 7u);
  ASSERT_EQ(shown.problems.size(), 1u);
  EXPECT_TRUE(shown.problems[0].what.starts_with("upstream down cannot be reached"))
      << shown.problems[0].what;
  EXPECT_NE(shown.problems[0].remedy.find("start it"), std::string::npos);
}

}  // namespace
}  // namespace parley::cli
