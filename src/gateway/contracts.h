#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "contract/problem.h"
#include "gateway/contract_keeper.h"
#include "gateway/health_keeper.h"
#include "gateway/settings.h"
#include "gateway/snapshot.h"
#include "gateway/tls_keeper.h"
#include "loop/loop.h"
#include "service/admin.h"

namespace parley::gateway {

// Which settings and contracts are in service: makes the snapshots. New settings are taken whole or
// not at all; a contract that changes at its upstream makes a new snapshot. One that conflicts with
// others waits, and the old one stays, until something changes that lets it in. On the control
// thread.
//
//   use → start_asking → use*
class Contracts final : public ContractListener {
 public:
  struct Events {
    std::function<void(const std::string& line)> say;
    std::function<void()> published;   // snapshot() is a new one
    std::function<void()> changed;     // describe() says something else
    std::function<void()> conflicted;  // the newest contracts cannot be served together
    std::function<void(std::vector<contract::Problem>)> complain;
  };
  Contracts(loop::Loop& loop, net::Network& network, net::Resolver& resolver, HealthKeeper& health,
            Events events);

  // Loads what is on disk, keeps what is known by reflection, and publishes. `beyond_loopback`:
  // whether one of its listeners is. Problems that are errors: nothing has changed.
  std::vector<contract::Problem> use(std::shared_ptr<const Settings> settings,
                                     bool beyond_loopback);
  // What would be wrong with them, of the contracts alone: they are refused for something else.
  std::vector<contract::Problem> check(const std::shared_ptr<const Settings>& settings);
  // What connections to the upstreams use, in the order of the settings.
  void use(const TlsContexts& tls);
  // From now on upstreams are asked by reflection.
  void start_asking();

  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  const Settings& settings() const { return *settings_; }
  // Whether every upstream's contract is here.
  bool complete() const;
  // Puts in what there is to say of the upstreams, and whether all are ready.
  void describe(service::Readiness& readiness) const;
  // Where contracts come from, as far as that is on disk: those in service, and those that were
  // refused since. Some may not be there.
  std::set<std::string> files() const;

 private:
  struct Entry {
    std::shared_ptr<ContractKeeper> keeper;
    std::unique_ptr<loop::TaskSet> watching;
    std::vector<std::string> conflicts;  // why its newest contract is not served
  };
  struct Next;

  void contract_came() override { settle(); }
  void contract_trouble(ContractKeeper& keeper, const std::string& text) override;

  Next prepare(const std::shared_ptr<const Settings>& settings, ContractKeeper::Version version);
  std::shared_ptr<const Snapshot> build(const std::shared_ptr<const Settings>& settings,
                                        bool beyond_loopback, Next& next) const;
  std::shared_ptr<const Snapshot> build(const std::vector<bool>& newest,
                                        std::vector<contract::Problem>& problems) const;
  void commit(const std::shared_ptr<const Settings>& settings, Next next);
  Entry enter(std::shared_ptr<ContractKeeper> keeper);
  const Entry* find(std::string_view name) const;
  void settle();
  std::vector<bool> settle_one_by_one();
  void serve_newest(const std::vector<bool>& newest);
  static std::string pending(const Entry& entry);
  std::vector<std::string> conflicts() const;
  std::set<size_t> idle_rules() const;
  void tell_idle_rules();
  loop::Task<void> watch(ContractKeeper& keeper);
  void publish();
  std::shared_ptr<const Snapshot> relieved(std::shared_ptr<const Snapshot> snapshot);
  void tell_changes(const std::string& upstream, const LoadedContract& before,
                    const LoadedContract& after) const;

  loop::Loop& loop_;
  net::Network& network_;
  net::Resolver& resolver_;
  HealthKeeper& health_;
  const Events events_;
  std::shared_ptr<const Settings> settings_;
  bool beyond_loopback_ = false;
  bool asking_ = false;
  std::vector<Entry> entries_;  // in the order of the settings
  std::shared_ptr<const Snapshot> snapshot_;
  std::set<std::string> files_;          // of the contracts in service
  std::set<std::string> refused_files_;  // of those that were refused since
  std::set<size_t> idle_rules_;          // of the settings, that have been told
};

}  // namespace parley::gateway
