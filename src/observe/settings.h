#pragma once

#include <cstdint>

namespace parley::observe {

// Bounds of what metrics remember, per shard; what is beyond is counted under empty labels.
struct Settings {
  uint32_t request_series_max = 20'000;  // pairs of method and protocol
  uint32_t outcomes_max = 256;           // pairs of status and code, of one such pair
  uint32_t limit_series_max = 256;
  uint32_t upstream_series_max = 4096;
};

}  // namespace parley::observe
