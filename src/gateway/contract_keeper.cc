#include "gateway/contract_keeper.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "contract/compare.h"
#include "contract/proto_files.h"
#include "http/timed_wait.h"
#include "loop/combine.h"
#include "upstream/reflection_client.h"

namespace parley::gateway {
namespace {

bool is_by_reflection(const UpstreamSettings& upstream) {
  return upstream.proto.files.empty() && upstream.descriptor_set.empty();
}

contract::LoadOptions load_options(const Settings& settings) {
  contract::LoadOptions options;
  options.rules = settings.rules;
  return options;
}

bool same_rules(const std::vector<contract::ConfiguredRule>& a,
                const std::vector<contract::ConfiguredRule>& b) {
  const auto said = [](const contract::ConfiguredRule& rule) {
    return std::tie(rule.selector, rule.verb, rule.path, rule.body, rule.response_body);
  };
  return std::ranges::equal(a, b, [&](const auto& one, const auto& other) {
    return said(one) == said(other) && same_rules(one.additional, other.additional);
  });
}

// The files that a contract was made of.
contract::Source source_of(const contract::Contract& contract) {
  contract::Source source;
  for (const contract::File& file : contract.files()) source.files.emplace_back(file.descriptor);
  return source;
}

}  // namespace

ContractKeeper::ContractKeeper(loop::Loop& loop, net::Network& network, net::Resolver& resolver,
                               UpstreamSettings upstream, ContractListener& listener)
    : loop_(loop),
      upstream_(std::move(upstream)),
      listener_(listener),
      cluster_(loop, network, resolver, upstream_.connection),
      tasks_(loop) {
  if (by_reflection()) trouble_ = "its contract is not here yet";
}

bool ContractKeeper::by_reflection() const { return is_by_reflection(upstream_); }

bool ContractKeeper::fits(const UpstreamSettings& upstream) const {
  return upstream.connection == upstream_.connection &&
         upstream.proto.files == upstream_.proto.files &&
         upstream.proto.includes == upstream_.proto.includes &&
         upstream.descriptor_set == upstream_.descriptor_set;
}

ContractDraft ContractKeeper::draft(const Settings& settings, const ContractKeeper* known) const {
  const contract::LoadOptions options = load_options(settings);
  if (!by_reflection()) {
    return link(upstream_.descriptor_set.empty()
                    ? contract::load_proto_files(upstream_.proto, options)
                    : contract::load_descriptor_set(upstream_.descriptor_set, options),
                known);
  }
  if (!known || !known->by_reflection() || !known->current_) return {};
  if (same_rules(known->settings_->rules, settings.rules))
    return {known->current_, {}, known->unmatched_rules_};
  return link(contract::load(source_of(known->current_->contract), options), known);
}

// A contract that says the same as the known one is the known one: its programs are compiled.
ContractDraft ContractKeeper::link(contract::Loaded loaded, const ContractKeeper* known) const {
  ContractDraft draft;
  draft.problems = std::move(loaded.problems);
  draft.unmatched_rules = std::move(loaded.unmatched_rules);
  if (!loaded.contract) return draft;
  if (known && known->current_ && contract::same(known->current_->contract, *loaded.contract)) {
    draft.contract = known->current_;
  } else {
    draft.contract = std::make_shared<LoadedContract>(name(), *std::move(loaded.contract));
  }
  return draft;
}

void ContractKeeper::use(std::shared_ptr<const Settings> settings, ContractDraft draft) {
  settings_ = std::move(settings);
  if (!draft.contract) return;
  current_ = std::move(draft.contract);
  unmatched_rules_ = std::move(draft.unmatched_rules);
  trouble_.clear();
}

void ContractKeeper::start_asking() {
  if (by_reflection() && tasks_.empty()) tasks_.spawn(keep_asking());
}

loop::Task<void> ContractKeeper::keep_asking() {
  for (;;) {
    co_await ask();
    if (trouble_.empty()) {
      co_await wait_for_reason_to_ask();
    } else {
      co_await loop::sleep_for(loop_, settings_->reflection_retry);
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
  contract::Loaded loaded = contract::load(*std::move(source), load_options(*settings_));
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

// A service that was deployed anew may have a new contract; behind a balancer that keeps the
// connection, only time tells.
loop::Task<void> ContractKeeper::wait_for_reason_to_ask() {
  const Instant due = deadline_after(loop_.now(), settings_->reflection_interval);
  bool was_gone = false;
  while (loop_.now() < due || was_gone) {
    if (cluster_.connected() && was_gone) co_return;
    was_gone = !cluster_.connected();
    co_await http::TimedWait(cluster_.changed(), was_gone ? kNever : due);
  }
}

void ContractKeeper::take(contract::Loaded loaded) {
  unmatched_rules_ = std::move(loaded.unmatched_rules);
  trouble_.clear();
  if (current_ && contract::same(current_->contract, *loaded.contract)) return;
  const auto before = std::exchange(
      current_, std::make_shared<LoadedContract>(name(), *std::move(loaded.contract)));
  listener_.contract_changed(*this, before.get());
}

void ContractKeeper::set_trouble(std::string text) {
  if (text == trouble_) return;
  trouble_ = std::move(text);
  listener_.contract_trouble(*this, trouble_);
}

}  // namespace parley::gateway
