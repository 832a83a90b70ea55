#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "net/address_range.h"

namespace parley::edge {

enum class LogFormat : uint8_t { Off, Text, Json };

// The access log: `log:` in parley.yaml.
struct LogSettings {
  LogFormat format = LogFormat::Text;
  // Lines that wait for the terminal or pipe, per shard; a line beyond is dropped and counted.
  // Named in metrics as "log.buffer_bytes".
  uint32_t buffer_bytes = 256 * 1024;
};

// Whom a request is from when others stand between: `listeners[].forwarded`. Without either rule
// nobody is believed: the client is the peer.
struct ForwardedSettings {
  enum class Header : uint8_t { XForwardedFor, Forwarded };
  Header header = Header::XForwardedFor;   // what those between write; the other one is not read
  std::vector<net::AddressRange> trusted;  // addresses of those that are believed
  uint32_t trusted_hops = 0;               // or how many there are, whatever their addresses
  bool active() const { return trusted_hops > 0 || !trusted.empty(); }
  friend bool operator==(const ForwardedSettings&, const ForwardedSettings&) = default;
};

// What answers over TLS say of the time to come: `listeners[].hsts` (RFC 6797).
struct HstsSettings {
  Duration max_age{};  // 0: nothing is said
  bool subdomains = false;
  bool preload = false;
  friend bool operator==(const HstsSettings&, const HstsSettings&) = default;
};

// Which names the admin listener answers to, beyond loopback and its own address.
struct HostSettings {
  std::vector<std::string> names;  // "parley.internal": without port; any case
  friend bool operator==(const HostSettings&, const HostSettings&) = default;
};

}  // namespace parley::edge
