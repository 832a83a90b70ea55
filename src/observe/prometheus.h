#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "observe/metrics.h"

namespace parley::observe {

// What the operating system says of this process; what is not known is not written.
struct ProcessStats {
  std::string_view version;                  // of this program
  std::optional<double> start_time_seconds;  // since the epoch
  std::optional<double> cpu_seconds;         // user and system
  std::optional<uint64_t> resident_bytes;
  std::optional<uint64_t> virtual_bytes;
  std::optional<uint64_t> open_fds;
  std::optional<uint64_t> max_fds;
};

inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

// Appends the sum over all shards, as Prometheus' text format has it ("Exposition formats"): each
// family with HELP and TYPE, its series sorted by their labels. Any thread may call it while the
// shards count. A histogram's count is that of its buckets; a scrape sees each counter at some
// moment during the scrape, not all of them at the same one.
void render_prometheus(std::span<const Metrics* const> shards, const ProcessStats& process,
                       ByteBuffer& out);

// A label's value, quoted: backslash, quote and line feed are escaped ("Text format details").
std::string quoted(std::string_view value);

}  // namespace parley::observe
