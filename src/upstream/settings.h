#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/client.h"
#include "net/tls_settings.h"

namespace parley::upstream {

// How one upstream is reached; limits count per shard.
struct Settings {
  std::string name;                    // of the upstream, for people
  std::vector<std::string> endpoints;  // "host:port", "dns:///host:port", "unix:/path"
  std::string authority;  // `:authority` of calls; empty: the first endpoint as written

  uint32_t connections_max = 8;  // to one endpoint; more are opened when streams run out
  uint32_t pending_max = 1024;   // calls that wait for a stream
  uint32_t replay_bytes_max =
      64 * 1024;  // of a request, kept until the upstream has begun to answer
  uint32_t metadata_bytes_max =
      8 * 1024;  // of a request's header, where the upstream names no limit
  Duration connect_timeout = std::chrono::seconds(5);
  Duration backoff_first = std::chrono::milliseconds(100);  // after a failed connect; grows by 1.6
  Duration backoff_max = std::chrono::seconds(10);
  Duration resolve_interval = std::chrono::seconds(30);  // how often names are looked up again
  http::ClientSettings http;
  net::TlsClientSettings tls;

  // A setting's name as it stands in a failure: "upstreams.users.pending_max".
  std::string key(std::string_view setting) const {
    return std::string("upstreams.").append(name).append(".").append(setting);
  }
  friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace parley::upstream
