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

// Whoever wants to know that a contract came, changed, or could not be had.
class ContractListener {
 public:
  virtual void contract_changed(size_t index) = 0;
  // One line for the user: `text` differs from the last one of this upstream.
  virtual void contract_trouble(size_t index, const std::string& text) = 0;

 protected:
  ~ContractListener() = default;
};

// Keeps the contract of one upstream: from disk once, or by reflection, asked again until it is
// there and whenever the upstream comes back. On the control thread.
class ContractKeeper {
 public:
  ContractKeeper(loop::Loop& loop, net::Network& network, net::Resolver& resolver,
                 const Settings& settings, size_t index, ContractListener& listener);

  // From disk, when the settings name files: all problems, warnings too. By reflection: nothing.
  std::vector<contract::Problem> load_from_disk();
  bool by_reflection() const;
  void start_asking();

  const std::shared_ptr<const LoadedContract>& current() const { return current_; }
  const std::string& trouble() const {
    return trouble_;
  }  // why `current` is null or old; empty: it is neither
  const std::vector<size_t>& unmatched_rules() const { return unmatched_rules_; }
  const upstream::Cluster& cluster() const { return cluster_; }
  upstream::Cluster& cluster() { return cluster_; }
  loop::Signal& changed() { return cluster_.changed(); }

 private:
  loop::Task<void> keep_asking();
  loop::Task<void> ask();
  loop::Task<void> wait_for_reconnect();
  void take(contract::Loaded loaded);
  void set_trouble(std::string text);
  contract::LoadOptions load_options() const;

  loop::Loop& loop_;
  const Settings& settings_;
  const UpstreamSettings& upstream_;
  const size_t index_;
  ContractListener& listener_;
  upstream::Cluster cluster_;
  std::shared_ptr<const LoadedContract> current_;
  std::string trouble_;
  std::vector<size_t> unmatched_rules_;
  loop::TaskSet tasks_;
};

}  // namespace parley::gateway
