#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "contract/model.h"
#include "contract/problem.h"
#include "door/catalogue.h"
#include "door/rest_router.h"
#include "gateway/settings.h"
#include "service/reflection_index.h"
#include "wire/program.h"

namespace parley::gateway {

// The programs of contract::known_types(): what google.protobuf.Any may hold beside a contract's
// own types.
const wire::Programs& known_programs();

// One upstream's contract, linked and compiled. Immutable.
struct LoadedContract {
  LoadedContract(std::string upstream_name, contract::Contract linked);

  std::string upstream;
  contract::Contract contract;
  wire::Programs programs;
};

// Why a method is served, or not: for `parley routes`.
struct Exposure {
  const contract::Method* method = nullptr;
  std::string_view upstream;
  bool exposed = false;
  std::string_view reason;  // "expose: all", "not selected", "reserved name"
};

// Everything that requests need to know of the contracts and settings: immutable, shared by all
// shards. A change makes a new one.
class Snapshot {
 public:
  struct Input {
    std::shared_ptr<const Settings> settings;
    // By upstream, in the order of the settings; null: not here yet, with the reason in `pending`.
    std::vector<std::shared_ptr<const LoadedContract>> contracts;
    std::vector<std::string> pending;
    bool beyond_loopback = false;  // whether a listener is
  };
  // Problems are errors: the same route or service from two upstreams, a missing `expose`.
  static std::shared_ptr<const Snapshot> build(const Input& input,
                                               std::vector<contract::Problem>& problems);

  const door::Exposed* find_method(std::string_view path) const;
  const door::RestRouter& router() const { return router_; }
  const Settings& settings() const { return *settings_; }
  const std::shared_ptr<const Settings>& shared_settings() const { return settings_; }
  const std::string& pending() const { return pending_; }
  const std::vector<std::shared_ptr<const LoadedContract>>& contracts() const { return contracts_; }
  const std::vector<Exposure>& exposures() const { return exposures_; }
  // The index, in the settings, of the upstream that serves a method. REQUIRES: the method is of
  // this snapshot.
  size_t upstream_of(const contract::Method& method) const;
  // The exposed service's upstream, by index; nullopt: no such service is exposed.
  std::optional<size_t> upstream_of_service(std::string_view service) const;
  const service::ReflectionIndex& reflection() const { return reflection_; }
  std::vector<const door::Exposed*> exposed() const;

 private:
  Snapshot() = default;
  void expose(const LoadedContract& loaded, const Expose& expose, bool beyond_loopback);
  void build_routes(std::vector<contract::Problem>& problems);

  std::shared_ptr<const Settings> settings_;
  std::vector<std::shared_ptr<const LoadedContract>> contracts_;
  std::deque<door::Settings> method_settings_;
  std::deque<door::Exposed> exposed_;
  boost::unordered_flat_map<std::string_view, const door::Exposed*> by_path_;
  door::RestRouter router_;
  service::ReflectionIndex reflection_;
  std::vector<Exposure> exposures_;
  std::set<std::string> reasons_;  // of the exposures
  std::string pending_;
};

}  // namespace parley::gateway
