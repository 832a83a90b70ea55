#include "gateway/contract_keeper.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "contract/compare.h"
#include "gateway/contract_files.h"
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
      renewed_(loop),
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

ContractDraft ContractKeeper::draft(const Settings& settings, const ContractKeeper* known,
                                    Version version) const {
  const contract::LoadOptions options = load_options(settings);
  if (!by_reflection()) {
    // Of the new settings, where the same files may be named in other places.
    const auto same = std::ranges::find_if(settings.upstreams, [&](const UpstreamSettings& one) {
      return one.connection.name == name();
    });
    return link(load_from_disk(same == settings.upstreams.end() ? upstream_ : *same, options),
                known);
  }
  if (!known || !known->by_reflection()) return {};
  const bool newer = version == Version::Newest && known->newest_.contract;
  const ContractDraft& have = newer ? known->newest_ : known->current_;
  if (!have.contract || same_rules(known->settings_->rules, settings.rules)) return have;
  return link(contract::load(source_of(have.contract->contract), options), known);
}

// A contract that says the same as the known one is the known one: its programs are compiled.
ContractDraft ContractKeeper::link(contract::Loaded loaded, const ContractKeeper* known) const {
  ContractDraft draft;
  draft.problems = std::move(loaded.problems);
  draft.unmatched_rules = std::move(loaded.unmatched_rules);
  draft.paths = std::move(loaded.paths);
  if (!loaded.contract) return draft;
  if (known && known->current() && contract::same(known->current()->contract, *loaded.contract)) {
    draft.contract = known->current();
  } else {
    draft.contract = std::make_shared<LoadedContract>(name(), *std::move(loaded.contract));
  }
  return draft;
}

void ContractKeeper::use(std::shared_ptr<const Settings> settings, ContractDraft draft) {
  settings_ = std::move(settings);
  if (draft.contract) {
    // What another keeper has heard is good for this one until it has asked.
    if (!current_.contract) trouble_.clear();
    current_ = std::move(draft);
  }
  const ContractDraft newest = std::exchange(newest_, {});
  ask_again_ = ask_again_ || (newest.contract && newest.contract != current_.contract);
  renewed_.notify();
}

void ContractKeeper::serve_newest() {
  current_ = std::exchange(newest_, {});
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
  // Of a connection that is made meanwhile nobody knows who answers first, the old or the new.
  const bool connected = cluster_.connected();
  const uint64_t before = cluster_.connect_counts().made;
  ask_again_ = false;
  auto source = co_await upstream::fetch_contract(cluster_);
  connections_seen_ = connected ? before : cluster_.connect_counts().made;
  asked_ = loop_.now();
  if (!source) {
    const Failure& failure = source.error();
    const bool unreachable = failure.reason() == Reason::UpstreamUnavailable;
    set_trouble(unreachable ? cluster_.trouble() : failure.message());
    co_return;
  }
  if (is_known(*source)) {
    end_trouble();
    co_return;
  }
  contract::Loaded loaded = load_told(upstream_, *std::move(source), load_options(*settings_));
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

// A service that was deployed anew may have a new contract, whichever of its endpoints that is;
// behind a balancer that keeps the connection, only time tells. Endpoints that come and go are no
// reason to ask without a pause.
loop::Task<void> ContractKeeper::wait_for_reason_to_ask() {
  for (;;) {
    const bool fresh = cluster_.connect_counts().made != connections_seen_;
    Instant due = deadline_after(asked_, settings_->reflection_interval);
    if (fresh) due = std::min(due, deadline_after(asked_, settings_->reflection_retry));
    if (!cluster_.connected()) {
      due = kNever;
    } else if (ask_again_ || loop_.now() >= due) {
      co_return;
    }
    co_await http::TimedWait(cluster_.changed(), renewed_, due);
  }
}

// Whether the last answer was the same. What is linked may have more files, which are built in:
// then it is linked again, and compared.
bool ContractKeeper::is_known(const contract::Source& source) const {
  const LoadedContract* known = newest() ? newest().get() : current().get();
  if (!known || known->contract.files().size() != source.files.size()) return false;
  std::vector<std::string_view> before;
  for (const contract::File& file : known->contract.files()) before.push_back(file.descriptor);
  std::vector<std::string_view> now(source.files.begin(), source.files.end());
  std::ranges::sort(before);
  std::ranges::sort(now);
  return before == now;
}

void ContractKeeper::take(contract::Loaded loaded) {
  const auto says_the_same = [&](const ContractDraft& known) {
    return known.contract && contract::same(known.contract->contract, *loaded.contract);
  };
  if (says_the_same(newest_)) return end_trouble();
  ContractDraft fresh;
  if (!says_the_same(current_)) {
    fresh.contract = std::make_shared<LoadedContract>(name(), *std::move(loaded.contract));
    fresh.unmatched_rules = std::move(loaded.unmatched_rules);
  } else if (!newest_.contract) {
    return end_trouble();
  }
  newest_ = std::move(fresh);
  if (current()) trouble_.clear();
  listener_.contract_came();
}

void ContractKeeper::end_trouble() {
  if (trouble_.empty() || !current()) return;
  trouble_.clear();
  listener_.contract_came();
}

void ContractKeeper::set_trouble(std::string text) {
  if (text == trouble_) return;
  trouble_ = std::move(text);
  listener_.contract_trouble(*this, trouble_);
}

}  // namespace parley::gateway
