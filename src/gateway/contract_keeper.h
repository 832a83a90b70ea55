#pragma once

#include <memory>
#include <string>
#include <vector>

#include "contract/load.h"
#include "gateway/settings.h"
#include "gateway/snapshot.h"
#include "loop/loop.h"
#include "loop/task_set.h"
#include "upstream/cluster.h"

namespace parley::gateway {

class ContractKeeper;

// Whoever wants to know that a contract came, changed, or could not be had.
class ContractListener {
 public:
  // `before` is null when it came for the first time.
  virtual void contract_changed(ContractKeeper& keeper, const LoadedContract* before) = 0;
  // One line for the user: `text` differs from the last one of this upstream.
  virtual void contract_trouble(ContractKeeper& keeper, const std::string& text) = 0;

 protected:
  ~ContractListener() = default;
};

// A contract as a reload would have it, before it is known whether the whole reload is good.
struct ContractDraft {
  std::shared_ptr<const LoadedContract> contract;  // null: not here yet
  std::vector<contract::Problem> problems;
  std::vector<size_t> unmatched_rules;  // by index: rules of the config that name no method of it
};

// Keeps the contract of one upstream: from disk, or by reflection, asked again until it is there,
// whenever the upstream comes back, and now and then. On the control thread.
//
//   draft → use → (start_asking | draft → use)*
class ContractKeeper {
 public:
  ContractKeeper(loop::Loop& loop, net::Network& network, net::Resolver& resolver,
                 UpstreamSettings upstream, ContractListener& listener);

  // Whether this one will do for an upstream with such settings: it reaches the same endpoints in
  // the same way and has its contract from the same place.
  bool fits(const UpstreamSettings& upstream) const;

  // What the contract is under these settings: from disk; by reflection what is known already, from
  // `known`, linked again if the rules for it may have changed.
  ContractDraft draft(const Settings& settings, const ContractKeeper* known) const;
  void use(std::shared_ptr<const Settings> settings, ContractDraft draft);

  bool by_reflection() const;
  // By reflection: begins to ask, once.
  void start_asking();

  const std::string& name() const { return upstream_.connection.name; }
  const UpstreamSettings& upstream() const { return upstream_; }
  const std::shared_ptr<const LoadedContract>& current() const { return current_; }
  // Why `current` is null or old; empty: it is neither.
  const std::string& trouble() const { return trouble_; }
  const std::vector<size_t>& unmatched_rules() const { return unmatched_rules_; }
  const upstream::Cluster& cluster() const { return cluster_; }
  upstream::Cluster& cluster() { return cluster_; }
  loop::Signal& changed() { return cluster_.changed(); }

 private:
  loop::Task<void> keep_asking();
  loop::Task<void> ask();
  loop::Task<void> wait_for_reason_to_ask();
  void take(contract::Loaded loaded);
  void set_trouble(std::string text);
  ContractDraft link(contract::Loaded loaded, const ContractKeeper* known) const;

  loop::Loop& loop_;
  const UpstreamSettings upstream_;
  ContractListener& listener_;
  upstream::Cluster cluster_;
  std::shared_ptr<const Settings> settings_;
  std::shared_ptr<const LoadedContract> current_;
  std::string trouble_;
  std::vector<size_t> unmatched_rules_;
  loop::TaskSet tasks_;
};

}  // namespace parley::gateway
