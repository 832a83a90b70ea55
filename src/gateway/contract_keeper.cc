#include "gateway/contract_keeper.h"

#include <algorithm>

#include "contract/compare.h"
#include "contract/proto_files.h"
#include "loop/combine.h"
#include "upstream/reflection_client.h"

namespace parley::gateway {

ContractKeeper::ContractKeeper(loop::Loop& loop, net::Network& network, net::Resolver& resolver,
                               const Settings& settings, size_t index, ContractListener& listener)
    : loop_(loop),
      settings_(settings),
      upstream_(settings.upstreams[index]),
      index_(index),
      listener_(listener),
      cluster_(loop, network, resolver, upstream_.connection),
      tasks_(loop) {
  if (by_reflection()) trouble_ = "its contract is not here yet";
}

bool ContractKeeper::by_reflection() const {
  return upstream_.proto.files.empty() && upstream_.descriptor_set.empty();
}

contract::LoadOptions ContractKeeper::load_options() const {
  contract::LoadOptions options;
  options.rules = settings_.rules;
  return options;
}

std::vector<contract::Problem> ContractKeeper::load_from_disk() {
  if (by_reflection()) return {};
  contract::Loaded loaded =
      upstream_.descriptor_set.empty()
          ? contract::load_proto_files(upstream_.proto, load_options())
          : contract::load_descriptor_set(upstream_.descriptor_set, load_options());
  std::vector<contract::Problem> problems = loaded.problems;
  if (loaded.contract) take(std::move(loaded));
  return problems;
}

void ContractKeeper::start_asking() {
  if (by_reflection()) tasks_.spawn(keep_asking());
}

loop::Task<void> ContractKeeper::keep_asking() {
  for (;;) {
    co_await ask();
    if (trouble_.empty()) {
      co_await wait_for_reconnect();
    } else {
      co_await loop::sleep_for(loop_, settings_.reflection_retry);
    }
  }
}

loop::Task<void> ContractKeeper::ask() {
  auto source = co_await upstream::fetch_contract(cluster_);
  if (!source) {
    const Failure& failure = source.error();
    const bool unreachable = failure.reason() == Reason::UpstreamUnavailable;
    set_trouble(unreachable ? cluster_.trouble() : failure.message());
    co_return;
  }
  contract::Loaded loaded = contract::load(*std::move(source), load_options());
  if (!loaded.contract) {
    const auto first = std::find_if(loaded.problems.begin(), loaded.problems.end(),
                                    [](const contract::Problem& problem) {
                                      return problem.severity == contract::Problem::Severity::Error;
                                    });
    set_trouble("its contract does not load: " + first->text());
    co_return;
  }
  take(std::move(loaded));
}

// A service that was deployed anew may have a new contract.
loop::Task<void> ContractKeeper::wait_for_reconnect() {
  while (cluster_.connected()) co_await cluster_.changed().wait();
  while (!cluster_.connected()) co_await cluster_.changed().wait();
}

void ContractKeeper::take(contract::Loaded loaded) {
  unmatched_rules_ = std::move(loaded.unmatched_rules);
  trouble_.clear();
  if (current_ && contract::same(current_->contract, *loaded.contract)) return;
  current_ =
      std::make_shared<LoadedContract>(upstream_.connection.name, *std::move(loaded.contract));
  listener_.contract_changed(index_);
}

void ContractKeeper::set_trouble(std::string text) {
  if (text == trouble_) return;
  trouble_ = std::move(text);
  listener_.contract_trouble(index_, trouble_);
}

}  // namespace parley::gateway
