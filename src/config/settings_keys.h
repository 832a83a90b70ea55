#pragma once

#include "config/keys.h"
#include "gateway/settings.h"

namespace parley::config {

// The keys of parley.yaml: every setting has one.
Keys<gateway::Settings> settings_keys();

// Parts of it, a file for each.
Keys<door::Settings> door_keys();
Elements<gateway::MethodOverride> method_elements();
Elements<gateway::UpstreamSettings> upstream_elements();
Keys<http::Settings> http_keys();
Elements<contract::ConfiguredRule> rule_elements();

// Bounds of sizes in the table.
inline constexpr uint32_t kKiB = 1024;
inline constexpr uint32_t kMiB = 1024 * kKiB;
inline constexpr uint32_t kGiB = 1024 * kMiB;

}  // namespace parley::config
