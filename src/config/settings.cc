#include "config/settings.h"

#include <iterator>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "config/settings_file.h"

namespace parley::config {
namespace {

bool chooses_port(const std::string& address) { return address.ends_with(":0"); }

// What no single setting can tell.
void check(const gateway::Settings& settings, const Flags& flags, contract::Problems& problems) {
  if (settings.upstreams.empty()) {
    gateway::Place place = settings.upstreams_place;
    if (flags.config) place.file = *flags.config;
    problems.error(place.location(), "no upstream is named",
                   "say where a gRPC service is: --upstream 127.0.0.1:50051");
  }
  std::set<std::string> addresses;
  for (const gateway::ListenerSettings& listener : settings.listeners) {
    if (chooses_port(listener.address) || addresses.insert(listener.address).second) continue;
    problems.error(listener.place.location(),
                   fmt::format("two listeners have the address {}", listener.address),
                   "remove one of them");
  }
  if (!chooses_port(settings.admin) && addresses.contains(settings.admin)) {
    problems.error(settings.admin_place.location(),
                   fmt::format("a listener and admin have the address {}", settings.admin),
                   "choose another one with --listen or --admin, or say --admin off");
  }
  if (settings.listeners.empty())
    problems.error({}, "nothing is listened on", "name an address: --listen 127.0.0.1:8080");
}

}  // namespace

Loaded load(const Flags& flags) {
  Loaded loaded;
  contract::Problems problems;
  if (flags.config) read_settings_file(*flags.config, loaded.settings, problems);
  loaded.flags_only = !problems.failed();
  apply(flags, loaded.settings, problems);
  if (!problems.failed()) check(loaded.settings, flags, problems);
  loaded.problems = problems.take();
  return loaded;
}

}  // namespace parley::config
