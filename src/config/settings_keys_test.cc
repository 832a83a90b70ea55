#include "config/settings_keys.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "config/settings_file.h"
#include "config/tls.h"

namespace parley::config {
namespace {

std::vector<Row> all_rows() { return rows_of(settings_keys(), gateway::Settings{}, ""); }

template <typename Target>
size_t count_of(const Keys<Target>& keys) {
  return keys.size();
}

// Names every member: a new one breaks the line until it is counted, and the count says that it has
// no key yet.
TEST(SettingsKeys, have_one_for_every_setting_of_http) {
  [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r] =
      http::Settings{};
  EXPECT_EQ(http_keys().size(), 18u);
}

TEST(SettingsKeys, have_one_for_every_setting_of_an_upstream) {
  // Its name is the key; `http` stands for its members, but for the prefix, which has the name;
  // `expose` and `contract` are the rest, and places of files.
  [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, k, l, x] = upstream::Settings{};
  [[maybe_unused]] const auto& [cc, m, n, o, p, q, r, s, y, z, aa, bb] = http::ClientSettings{};
  [[maybe_unused]] const auto& [t, u, v, w, ww] = gateway::UpstreamSettings{};
  EXPECT_EQ(upstream_elements().keys.size(), 13u - 2 + 11 + 2);
}

TEST(SettingsKeys, have_one_for_every_setting_of_tls) {
  // `cert` and `key` stand for the first of the certificates, too.
  [[maybe_unused]] const auto& [a, b, c, d, e, f] = net::TlsServerSettings{};
  EXPECT_EQ(tls_server_keys().size(), 6u + 2);
  // That it is enabled is said by the section itself.
  [[maybe_unused]] const auto& [g, h, i, j, k, l, m] = net::TlsClientSettings{};
  EXPECT_EQ(tls_client_keys().size(), 7u - 1);
}

TEST(SettingsKeys, have_one_for_every_setting_of_doors) {
  [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, u] = door::RestSettings{};
  [[maybe_unused]] const auto& [k, l, m, s, t] = door::MetadataSettings{};
  [[maybe_unused]] const auto& [n, o, p, q, r] = door::Settings{};
  const std::vector<Row> rows = rows_of(door_keys(), door::Settings{}, "");
  EXPECT_EQ(rows.size(), 11u + 5 + 5);
}

TEST(SettingsKeys, have_one_for_every_setting_of_a_method) {
  // The selector is the key; `rest` groups all but two.
  [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] =
      gateway::MethodOverride{};
  EXPECT_EQ(rows_of(method_elements().keys, {}, "").size(), 14u - 1 + 1);
}

TEST(SettingsKeys, have_one_for_every_setting_of_the_gateway) {
  // `admin` and its hosts share a key, `rules` is in `http`, and `door` stands for its members. Two
  // members are places in the file.
  [[maybe_unused]] const auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v] =
      gateway::Settings{};
  EXPECT_EQ(settings_keys().size(), 22u - 2 - 3 + door_keys().size());
}

TEST(SettingsKeys, are_documented_in_sentences) {
  for (const Row& row : all_rows()) {
    EXPECT_TRUE(row.doc.ends_with(".") || row.doc.ends_with("`.")) << row.key;
    EXPECT_EQ(row.doc.find('|'), std::string::npos) << row.key;
  }
}

TEST(SettingsKeys, stand_once_each) {
  std::set<std::string> keys;
  for (const Row& row : all_rows()) EXPECT_TRUE(keys.insert(row.key).second) << row.key;
}

// What a default is shown as can be written, and changes nothing.
TEST(SettingsKeys, read_their_own_defaults) {
  for (const Row& row : all_rows()) {
    if (row.initial.empty() || row.key.find_first_of("[") != std::string::npos ||
        row.key.find("NAME") != std::string::npos || row.type == "list")
      continue;
    std::string yaml;
    std::string rest = row.key;
    size_t depth = 0;
    for (size_t dot; (dot = rest.find('.')) != std::string::npos; rest.erase(0, dot + 1), ++depth)
      yaml += rest.substr(0, dot) + ": {";
    yaml += rest + ": '" + row.initial + "'" + std::string(depth, '}');
    gateway::Settings settings;
    contract::Problems problems;
    read_settings(yaml, "f", settings, problems);
    for (const contract::Problem& problem : problems.take())
      ADD_FAILURE() << yaml << ": " << problem.text();
    const auto rows = rows_of(settings_keys(), settings, "");
    const auto same =
        std::ranges::find_if(rows, [&](const Row& one) { return one.key == row.key; });
    EXPECT_EQ(same->initial, row.initial) << row.key;
  }
}

}  // namespace
}  // namespace parley::config
