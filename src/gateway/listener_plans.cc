#include "gateway/listener_plans.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace parley::gateway {
namespace {

contract::Problem cannot_listen(const Failure& failure, const Place& place) {
  contract::Problem problem;
  problem.file = place.file;
  problem.line = place.line;
  problem.column = place.column;
  problem.what = failure.message();
  problem.remedy = "stop what uses it, or choose another address with --listen or --admin";
  return problem;
}

std::vector<ListenerSettings> all_listeners(const Settings& settings) {
  std::vector<ListenerSettings> all = settings.listeners;
  if (settings.admin != "off") {
    ListenerSettings admin;
    admin.address = settings.admin;
    admin.place = settings.admin_place;
    admin.serve = {.api = false, .health = true, .reflection = false, .admin = true};
    all.push_back(std::move(admin));
  }
  return all;
}

}  // namespace

std::vector<ListenerPlan> plan_listeners(const Settings& settings, const TlsContexts& tls,
                                         ListenerSockets& sockets,
                                         std::vector<contract::Problem>& problems) {
  std::set<std::string> known;
  for (const auto& open : sockets.all()) known.insert(open->name);
  std::vector<ListenerPlan> plans;
  std::map<std::string, int> seen;  // several may leave their port to the kernel
  for (ListenerSettings& listener : all_listeners(settings)) {
    const int nth = ++seen[listener.address];
    const std::string name =
        nth == 1 ? listener.address : fmt::format("{} #{}", listener.address, nth);
    auto open = sockets.open(name, listener.address, listener.serve.admin ? 1 : settings.threads);
    if (!open) {
      problems.push_back(cannot_listen(open.error(), listener.place));
      continue;
    }
    ListenerPlan plan{*std::move(open), std::move(listener), {}, {}};
    if (plan.settings.serve.admin) plan.admin_hosts = settings.admin_hosts;
    plans.push_back(std::move(plan));
  }
  if (contract::has_errors(problems)) {
    sockets.keep_only(known);
    plans.clear();
  }
  // The admin listener speaks no TLS.
  for (size_t i = 0; i < std::min(plans.size(), tls.listeners.size()); ++i)
    plans[i].tls = tls.listeners[i];
  return plans;
}

bool beyond_loopback(const std::vector<ListenerPlan>& plans) {
  return std::ranges::any_of(plans, [](const ListenerPlan& plan) {
    return plan.settings.serve.api && !plan.open->address.is_loopback();
  });
}

}  // namespace parley::gateway
