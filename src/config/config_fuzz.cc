#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "config/settings_file.h"

// Whatever a file holds, reading it ends with settings or with problems that say where.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  parley::gateway::Settings settings;
  parley::contract::Problems problems;
  parley::config::read_settings(text, "parley.yaml", settings, problems);
  for (const parley::contract::Problem& problem : problems.take()) {
    PARLEY_ASSERT(problem.file == "parley.yaml" || problem.file.empty());
    PARLEY_ASSERT(!problem.what.empty());
  }
  return 0;
}
