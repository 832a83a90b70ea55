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
  // `newest` is another one than before, or trouble is over.
  virtual void contract_came() = 0;
  // One line for the user: `text` differs from the last one of this upstream.
  virtual void contract_trouble(ContractKeeper& keeper, const std::string& text) = 0;

 protected:
  ~ContractListener() = default;
};

// A contract before it is known whether it can be served beside the others.
struct ContractDraft {
  std::shared_ptr<const LoadedContract> contract;  // null: not here yet
  std::vector<contract::Problem> problems;
  std::vector<size_t> unmatched_rules;  // by index: rules of the config that name no method of it
  std::vector<std::string> paths;       // on disk, as contract::Loaded has them
};

// Keeps the contract of one upstream: from disk, or by reflection, asked again until it is there,
// whenever one of its endpoints is connected to anew, and now and then. What it says by reflection
// is `newest` until somebody takes it into service. On the control thread.
//
//   draft → use → (start_asking | draft → use | serve_newest)*
class ContractKeeper {
 public:
  ContractKeeper(loop::Loop& loop, net::Network& network, net::Resolver& resolver,
                 UpstreamSettings upstream, ContractListener& listener);

  // Whether this one will do for an upstream with such settings: it reaches the same endpoints in
  // the same way and has its contract from the same place.
  bool fits(const UpstreamSettings& upstream) const;

  enum class Version : uint8_t { Served, Newest };
  // What the contract is under these settings: from disk; by reflection what is known already, from
  // `known`, linked again if the rules for it may have changed.
  ContractDraft draft(const Settings& settings, const ContractKeeper* known, Version version) const;
  // From now on the draft is served. By reflection: what is newer is forgotten, and asked for.
  void use(std::shared_ptr<const Settings> settings, ContractDraft draft);
  void serve_newest();

  bool by_reflection() const;
  // By reflection: begins to ask, once.
  void start_asking();

  const std::string& name() const { return upstream_.connection.name; }
  const UpstreamSettings& upstream() const { return upstream_; }
  // That is served; null: none yet.
  const std::shared_ptr<const LoadedContract>& current() const { return current_.contract; }
  // Rules of the config that name no method of it.
  const std::vector<size_t>& unmatched_rules() const { return current_.unmatched_rules; }
  // That the upstream says it has and that is not served; null: there is none.
  const std::shared_ptr<const LoadedContract>& newest() const { return newest_.contract; }
  // Why the upstream's contract is not known, or what is known is old; empty: neither is so.
  const std::string& trouble() const { return trouble_; }
  const upstream::Cluster& cluster() const { return cluster_; }
  upstream::Cluster& cluster() { return cluster_; }
  loop::Signal& changed() { return cluster_.changed(); }

 private:
  loop::Task<void> keep_asking();
  loop::Task<void> ask();
  loop::Task<void> wait_for_reason_to_ask();
  bool is_known(const contract::Source& source) const;
  void take(contract::Loaded loaded);
  void end_trouble();
  void set_trouble(std::string text);
  ContractDraft link(contract::Loaded loaded, const ContractKeeper* known) const;

  loop::Loop& loop_;
  const UpstreamSettings upstream_;
  ContractListener& listener_;
  upstream::Cluster cluster_;
  std::shared_ptr<const Settings> settings_;
  ContractDraft current_;
  ContractDraft newest_;
  std::string trouble_;
  Instant asked_{};                // when it was asked last
  uint64_t connections_seen_ = 0;  // of the cluster's: what came on them is known
  bool ask_again_ = false;         // as soon as it is connected
  loop::Signal renewed_;           // the settings, or ask_again_
  loop::TaskSet tasks_;
};

}  // namespace parley::gateway
