#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace parley::edge {

enum class LogFormat : uint8_t { Off, Text, Json };

// The access log: `log:` in parley.yaml.
struct LogSettings {
  LogFormat format = LogFormat::Text;
  // Lines that wait for the terminal or pipe, per shard; a line beyond is dropped and counted.
  // Named in metrics as "log.buffer_bytes".
  uint32_t buffer_bytes = 256 * 1024;
};

// Which names the admin listener answers to, beyond loopback and its own address.
struct HostSettings {
  std::vector<std::string> names;  // "parley.internal": without port; any case
};

}  // namespace parley::edge
