#pragma once

#include <string_view>

#include "observe/prometheus.h"

namespace parley::service {

// Reads what Linux tells of this process in /proc; what cannot be read stays unknown. `version` is
// borrowed by the result.
observe::ProcessStats read_process_stats(std::string_view version);

}  // namespace parley::service
