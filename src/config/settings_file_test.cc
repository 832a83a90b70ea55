#include "config/settings_file.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/settings_keys.h"

namespace parley::config {
namespace {

using namespace std::chrono_literals;

constexpr const char* kTable = "src/config/testdata/settings_file.txt";

gateway::Settings settings_of(std::string_view text, const std::string& file = "parley.yaml") {
  gateway::Settings settings;
  contract::Problems problems;
  read_settings(text, file, settings, problems);
  for (const contract::Problem& problem : problems.take()) ADD_FAILURE() << problem.text();
  return settings;
}

// Every problem; or, when there is none, the single settings that differ from their defaults.
std::string outcome_of(std::string_view text) {
  gateway::Settings settings;
  contract::Problems problems;
  read_settings(text, "parley.yaml", settings, problems);
  std::string outcome;
  for (const contract::Problem& problem : problems.take()) outcome += "= " + problem.text() + "\n";
  if (!outcome.empty()) return outcome;
  const std::vector<Row> rows = rows_of(settings_keys(), settings, "");
  const std::vector<Row> initial = rows_of(settings_keys(), gateway::Settings{}, "");
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].initial != initial[i].initial)
      outcome += fmt::format("= {} is {}\n", rows[i].key, rows[i].initial);
  }
  return outcome.empty() ? "= ok\n" : outcome;
}

// A table of files. Each case is a line `# what it shows`, the YAML, and what comes of it in lines
// that begin with "= "; PARLEY_UPDATE=1 rewrites those.
TEST(SettingsFile, reads_and_refuses_what_the_table_says) {
  std::ostringstream table;
  table << std::ifstream(kTable).rdbuf();
  std::istringstream lines(table.str());
  std::string updated;
  std::string yaml;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("= ")) continue;
    if (line.starts_with("# ") && !yaml.empty()) {
      updated += yaml + outcome_of(yaml) + "\n";
      yaml.clear();
    }
    if (!line.empty()) yaml += line + "\n";
  }
  if (!yaml.empty()) updated += yaml + outcome_of(yaml);
  if (std::getenv("PARLEY_UPDATE"))
    std::ofstream(kTable) << updated;
  else
    EXPECT_EQ(updated, table.str());
}

TEST(SettingsFile, fills_listeners) {
  const gateway::Settings settings = settings_of(
      "listeners:\n"
      "  - {address: '0.0.0.0:8080', serve: [api, health]}\n"
      "  - '[::1]:9090'\n");
  EXPECT_EQ(settings_of("listeners: unix:/run/x").listeners.at(0).address, "unix:/run/x");
  ASSERT_EQ(settings.listeners.size(), 2u);
  EXPECT_EQ(settings.listeners[0].address, "0.0.0.0:8080");
  EXPECT_TRUE(settings.listeners[0].serve.health);
  EXPECT_FALSE(settings.listeners[0].serve.reflection);
  EXPECT_TRUE(settings.listeners[1].serve.reflection);
}

TEST(SettingsFile, fills_upstreams_in_the_order_of_the_file) {
  const gateway::Settings settings = settings_of(
      "upstreams:\n"
      "  users: {endpoints: ['u1:1', 'u2:2'], expose: annotated, authority: users, pending_max: "
      "5}\n"
      "  orders: {endpoints: 'dns:///o:1', expose: [shop.v1.Orders.*], ping_interval: 1h}\n"
      "  short: s:1\n");
  ASSERT_EQ(settings.upstreams.size(), 3u);
  const gateway::UpstreamSettings& users = settings.upstreams[0];
  EXPECT_EQ(users.connection.name, "users");
  EXPECT_EQ(users.connection.endpoints, (std::vector<std::string>{"u1:1", "u2:2"}));
  EXPECT_EQ(users.connection.authority, "users");
  EXPECT_EQ(users.connection.pending_max, 5u);
  EXPECT_EQ(users.expose.mode, gateway::Expose::Mode::Annotated);
  EXPECT_EQ(settings.upstreams[1].expose.selectors, std::vector<std::string>{"shop.v1.Orders.*"});
  EXPECT_EQ(settings.upstreams[1].connection.http.ping_interval, Duration(1h));
  EXPECT_EQ(settings.upstreams[2].connection.endpoints, std::vector<std::string>{"s:1"});
}

TEST(SettingsFile, takes_paths_from_its_own_folder) {
  const gateway::Settings settings = settings_of(
      "upstreams:\n"
      "  a: {endpoints: 'a:1', contract: {proto: [settings_file.txt, x.proto], include: "
      "[protos]}}\n"
      "  b: {endpoints: 'b:1', contract: {descriptor_set: /etc/b.binpb}}\n",
      "src/config/testdata/parley.yaml");
  const gateway::UpstreamSettings& upstream = settings.upstreams[0];
  EXPECT_EQ(upstream.proto.includes, std::vector<std::string>{"src/config/testdata/protos"});
  // The second is not beside the file: its name is below an include folder.
  EXPECT_EQ(upstream.proto.files, (std::vector<std::string>{kTable, "x.proto"}));
  EXPECT_EQ(settings.upstreams[1].descriptor_set, "/etc/b.binpb");
}

TEST(SettingsFile, notes_where_it_names_files) {
  const gateway::Settings settings = settings_of(
      "upstreams:\n"
      "  a: {endpoints: 'a:1', contract: {proto: [x.proto, y.proto]}}\n"
      "  b: {endpoints: 'b:1', contract: {proto: z.proto}}\n"
      "  c: {endpoints: 'c:1', contract: {descriptor_set: c.binpb}}\n",
      "config/parley.yaml");
  const auto place = [&](size_t upstream, const std::string& path) {
    contract::Problem problem;
    problem.what = "gone";
    return at_place(problem, path, settings.upstreams[upstream].file_places).text();
  };
  EXPECT_EQ(place(0, "config/x.proto"), "config/parley.yaml:2:44: gone");
  EXPECT_EQ(place(0, "config/y.proto"), "config/parley.yaml:2:53: gone");
  EXPECT_EQ(place(1, "config/z.proto"), "config/parley.yaml:3:43: gone");
  EXPECT_EQ(place(2, "config/c.binpb"), "config/parley.yaml:4:52: gone");
  EXPECT_EQ(place(0, "config/z.proto"), "gone");
}

TEST(SettingsFile, fills_rules_with_where_they_stand) {
  const gateway::Settings settings = settings_of(
      "http:\n"
      "  rules:\n"
      "    - selector: shop.v1.Users.GetUser\n"
      "      get: /v1/users/{user_id}\n"
      "      response_body: user\n"
      "      additional_bindings:\n"
      "        - {post: '/v1/users:get', body: '*'}\n"
      "        - custom: {kind: QUERY, path: /v1/users}\n");
  ASSERT_EQ(settings.rules.size(), 1u);
  const contract::ConfiguredRule& rule = settings.rules[0];
  EXPECT_EQ(rule.selector, "shop.v1.Users.GetUser");
  EXPECT_EQ(rule.verb, "GET");
  EXPECT_EQ(rule.path, "/v1/users/{user_id}");
  EXPECT_EQ(rule.response_body, "user");
  EXPECT_EQ(rule.line, 3);
  EXPECT_EQ(rule.file, "parley.yaml");
  ASSERT_EQ(rule.additional.size(), 2u);
  EXPECT_EQ(rule.additional[0].verb, "POST");
  EXPECT_EQ(rule.additional[0].body, "*");
  EXPECT_EQ(rule.additional[1].verb, "QUERY");
  EXPECT_EQ(rule.additional[1].line, 8);
}

TEST(SettingsFile, fills_settings_of_methods) {
  const gateway::Settings settings = settings_of(
      "methods:\n"
      "  shop.v1.*: {timeout: 5s, rest: {int64: number}}\n"
      "  shop.v1.Orders.Create: {message_bytes_max: 1MiB}\n");
  ASSERT_EQ(settings.methods.size(), 2u);
  EXPECT_EQ(settings.methods[0].selector, "shop.v1.*");
  EXPECT_EQ(settings.methods[0].timeout, Duration(5s));
  EXPECT_EQ(settings.methods[0].int64_numbers, true);
  EXPECT_EQ(settings.methods[0].enum_numbers, std::nullopt);
  EXPECT_EQ(settings.methods[1].message_bytes_max, 1u << 20);
}

TEST(SettingsFile, fills_lists_of_words) {
  const gateway::Settings settings = settings_of(
      "metadata: {to_upstream: [Cookie, x-tenant-*], to_client: set-cookie}\n"
      "admin: {address: '0.0.0.0:9', hosts: [Parley.internal]}\n");
  EXPECT_EQ(settings.door.metadata.to_upstream, (std::vector<std::string>{"cookie", "x-tenant-*"}));
  EXPECT_EQ(settings.door.metadata.to_client, std::vector<std::string>{"set-cookie"});
  EXPECT_EQ(settings.admin_hosts.names, std::vector<std::string>{"parley.internal"});
}

TEST(SettingsFile, says_that_a_file_cannot_be_read) {
  gateway::Settings settings;
  contract::Problems problems;
  read_settings_file("src/config/testdata/none.yaml", settings, problems);
  read_settings_file("src/config/testdata", settings, problems);
  const auto list = problems.take();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].text(),
            "src/config/testdata/none.yaml: cannot be read: No such file or directory; correct "
            "--config");
  EXPECT_EQ(list[1].text(),
            "src/config/testdata: cannot be read: Is a directory; correct --config");
}

}  // namespace
}  // namespace parley::config
