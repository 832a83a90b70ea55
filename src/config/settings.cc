#include "config/settings.h"

#include <utility>

namespace parley::config {
namespace {

void check(const gateway::Settings& settings, std::vector<contract::Problem>& problems) {
  if (!settings.upstreams.empty()) return;
  contract::Problem problem;
  problem.what = "no upstream is named";
  problem.remedy = "say where the gRPC service is: --upstream 127.0.0.1:50051";
  problems.push_back(std::move(problem));
}

}  // namespace

Loaded load(const Flags& flags) {
  Loaded loaded;
  apply(flags, loaded.settings, loaded.problems);
  if (!contract::has_errors(loaded.problems)) check(loaded.settings, loaded.problems);
  return loaded;
}

}  // namespace parley::config
