#include "gateway/snapshot.h"

#include <map>
#include <utility>

#include "gateway/exposure.h"
#include "service/builtin_contract.h"

namespace parley::gateway {
namespace {

contract::Problem error(std::string what, std::string remedy) {
  contract::Problem problem;
  problem.what = std::move(what);
  problem.remedy = std::move(remedy);
  return problem;
}

// The same service from two upstreams: which of them would a call go to?
void check_services(const std::vector<Exposure>& exposures,
                    std::vector<contract::Problem>& problems) {
  std::map<std::string_view, std::string_view> owner;
  for (const Exposure& exposure : exposures) {
    if (!exposure.exposed) continue;
    const std::string_view service = exposure.method->service->full_name;
    const auto [known, fresh] = owner.emplace(service, exposure.upstream);
    if (fresh || known->second == exposure.upstream) continue;
    problems.push_back(error("service " + std::string(service) + " is exposed by upstream " +
                                 std::string(known->second) + " and by upstream " +
                                 std::string(exposure.upstream),
                             "expose it from one of them only (--expose NAME=SELECTOR,...)"));
    known->second = exposure.upstream;
  }
}

}  // namespace

LoadedContract::LoadedContract(std::string upstream_name, contract::Contract linked)
    : upstream(std::move(upstream_name)),
      contract(std::move(linked)),
      programs(contract, &known_programs()) {}

std::shared_ptr<const Snapshot> Snapshot::build(const Input& input,
                                                std::vector<contract::Problem>& problems) {
  const Settings& settings = *input.settings;
  std::shared_ptr<Snapshot> snapshot(new Snapshot);
  snapshot->settings_ = input.settings;
  snapshot->contracts_ = input.contracts;
  for (size_t i = 0; i < settings.upstreams.size(); ++i) {
    const UpstreamSettings& upstream = settings.upstreams[i];
    const std::string& name = upstream.connection.name;
    if (upstream.expose.mode == Expose::Mode::Default && input.beyond_loopback) {
      problems.push_back(error(
          "a listener is beyond loopback, and nothing says what upstream " + name + " exposes",
          "say so with --expose all, --expose annotated or --expose SELECTOR,..."));
    }
    if (!input.contracts[i]) {
      if (!snapshot->pending_.empty()) snapshot->pending_ += "; ";
      snapshot->pending_ += "upstream " + name + ": " + input.pending[i];
      continue;
    }
    snapshot->expose(*input.contracts[i], upstream.expose, input.beyond_loopback);
  }
  check_services(snapshot->exposures_, problems);
  snapshot->build_routes(problems);
  // Parley's own, as gRPC servers show theirs.
  snapshot->reflection_.add(service::builtin_contract(), [](const contract::Method& method) {
    return method.service->full_name != service::kAdminService;
  });
  for (const auto& loaded : snapshot->contracts_) {
    if (!loaded) continue;
    snapshot->reflection_.add(loaded->contract, [&](const contract::Method& method) {
      const door::Exposed* exposed = snapshot->find_method(method.path);
      return exposed && exposed->method == &method;
    });
  }
  return snapshot;
}

void Snapshot::expose(const LoadedContract& loaded, const Expose& expose, bool beyond_loopback) {
  const Settings& settings = *settings_;
  exposures_.reserve(exposures_.size() + loaded.contract.method_count());
  by_path_.reserve(by_path_.size() + loaded.contract.method_count());
  for (const contract::Service& service : loaded.contract.services()) {
    for (const contract::Method& method : service.methods) {
      Decision decision = decide(expose, method, beyond_loopback);
      exposures_.push_back({&method, loaded.upstream, decision.exposed,
                            *reasons_.insert(std::move(decision.reason)).first});
      if (!decision.exposed) continue;
      const door::Settings* merged = &settings.door;
      if (!settings.methods.empty()) {
        method_settings_.push_back(merge(settings.door, settings.methods, method.full_name));
        merged = &method_settings_.back();
      }
      exposed_.push_back({&method, &loaded.programs, merged, loaded.upstream});
      by_path_.emplace(method.path, &exposed_.back());
    }
  }
}

void Snapshot::build_routes(std::vector<contract::Problem>& problems) {
  std::vector<door::RouteConflict> conflicts;
  router_ = door::RestRouter::build(exposed(), conflicts);
  for (const door::RouteConflict& conflict : conflicts) {
    // The same service twice has been said already.
    const auto name = [](const door::Route& route) { return route.exposed->method->full_name; };
    if (name(conflict.first) == name(conflict.second)) continue;
    problems.push_back(
        error("the same route twice: " + conflict.text(), "change one of the templates"));
  }
}

const door::Exposed* Snapshot::find_method(std::string_view path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : found->second;
}

size_t Snapshot::upstream_of(const contract::Method& method) const {
  const contract::Contract* owner = method.service->contract;
  for (size_t i = 0; i < contracts_.size(); ++i) {
    if (contracts_[i] && &contracts_[i]->contract == owner) return i;
  }
  PARLEY_ASSERT(false);
  return 0;
}

std::optional<size_t> Snapshot::upstream_of_service(std::string_view service) const {
  for (size_t i = 0; i < contracts_.size(); ++i) {
    const contract::Service* found =
        contracts_[i] ? contracts_[i]->contract.find_service(service) : nullptr;
    if (!found) continue;
    for (const contract::Method& method : found->methods) {
      const door::Exposed* exposed = find_method(method.path);
      if (exposed && exposed->method == &method) return i;
    }
  }
  return std::nullopt;
}

std::vector<const door::Exposed*> Snapshot::exposed() const {
  std::vector<const door::Exposed*> all;
  for (const door::Exposed& one : exposed_) all.push_back(&one);
  return all;
}

}  // namespace parley::gateway
