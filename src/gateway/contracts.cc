#include "gateway/contracts.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <malloc.h>

#include "contract/compare.h"

namespace parley::gateway {
namespace {

// Of a contract that changed; the rest is counted.
constexpr size_t kChangesShown = 20;

// By index: rules in the config that name no method of any upstream. `unmatched`: those of each
// contract; null: it is not known.
std::set<size_t> rules_of_nobody(const Settings& settings,
                                 const std::vector<const std::vector<size_t>*>& unmatched) {
  std::set<size_t> rules;
  for (size_t rule = 0; rule < settings.rules.size(); ++rule) {
    const bool nobodys = std::ranges::all_of(unmatched, [&](const std::vector<size_t>* of_one) {
      return of_one && std::ranges::find(*of_one, rule) != of_one->end();
    });
    if (nobodys) rules.insert(rule);
  }
  return rules;
}

contract::Problem rule_of_nobody(const contract::ConfiguredRule& rule) {
  return {contract::Problem::Severity::Error,
          rule.file,
          rule.line,
          rule.column,
          "no upstream has a method " + rule.selector,
          "correct the selector"};
}

}  // namespace

// What new settings would be like.
struct Contracts::Next {
  std::vector<std::shared_ptr<ContractKeeper>> keepers;
  std::vector<ContractDraft> drafts;
  std::vector<contract::Problem> problems;
  std::set<std::string> files;

  // Of no use, as all contracts are here. By reflection they may not be here yet, and change later
  // without a change of the settings: that is no reason to refuse.
  void check_rules(const Settings& settings) {
    const bool may_change = std::ranges::any_of(keepers, &ContractKeeper::by_reflection);
    std::vector<const std::vector<size_t>*> unmatched;
    for (const ContractDraft& draft : drafts)
      unmatched.push_back(draft.contract ? &draft.unmatched_rules : nullptr);
    for (const size_t rule : rules_of_nobody(settings, unmatched)) {
      problems.push_back(rule_of_nobody(settings.rules[rule]));
      if (may_change) problems.back().severity = contract::Problem::Severity::Warning;
    }
  }
};

Contracts::Contracts(loop::Loop& loop, net::Network& network, net::Resolver& resolver,
                     HealthKeeper& health, Events events)
    : loop_(loop),
      network_(network),
      resolver_(resolver),
      health_(health),
      events_(std::move(events)) {}

std::vector<contract::Problem> Contracts::use(std::shared_ptr<const Settings> settings,
                                              bool beyond_loopback) {
  // The settings may be meant for what upstreams have begun to say, or for what is served.
  Next next = prepare(settings, ContractKeeper::Version::Newest);
  auto snapshot = build(settings, beyond_loopback, next);
  const bool waiting = std::ranges::any_of(
      entries_, [](const Entry& one) { return one.keeper->newest() != nullptr; });
  if (waiting && contract::has_errors(next.problems)) {
    next = prepare(settings, ContractKeeper::Version::Served);
    snapshot = build(settings, beyond_loopback, next);
  }
  // Those that are repaired are a reason to try again.
  refused_files_ = next.files;
  if (contract::has_errors(next.problems)) return std::move(next.problems);
  files_ = std::exchange(refused_files_, {});
  std::vector<contract::Problem> warnings = std::exchange(next.problems, {});
  beyond_loopback_ = beyond_loopback;
  commit(settings, std::move(next));
  idle_rules_ = idle_rules();
  snapshot_ = relieved(std::move(snapshot));
  publish();
  return warnings;
}

void Contracts::use(const TlsContexts& tls) {
  for (size_t i = 0; i < std::min(entries_.size(), tls.upstreams.size()); ++i)
    entries_[i].keeper->cluster().use(tls.upstreams[i]);
}

std::vector<contract::Problem> Contracts::check(const std::shared_ptr<const Settings>& settings) {
  Next next = prepare(settings, ContractKeeper::Version::Served);
  refused_files_ = std::move(next.files);
  return std::move(next.problems);
}

Contracts::Next Contracts::prepare(const std::shared_ptr<const Settings>& settings,
                                   ContractKeeper::Version version) {
  Next next;
  for (const UpstreamSettings& upstream : settings->upstreams) {
    const Entry* known = find(upstream.connection.name);
    next.keepers.push_back(
        known && known->keeper->fits(upstream)
            ? known->keeper
            : std::make_shared<ContractKeeper>(loop_, network_, resolver_, upstream, *this));
    next.drafts.push_back(
        next.keepers.back()->draft(*settings, known ? known->keeper.get() : nullptr, version));
    std::ranges::move(next.drafts.back().problems, std::back_inserter(next.problems));
    next.files.insert(next.drafts.back().paths.begin(), next.drafts.back().paths.end());
  }
  next.check_rules(*settings);
  return next;
}

std::shared_ptr<const Snapshot> Contracts::build(const std::shared_ptr<const Settings>& settings,
                                                 bool beyond_loopback, Next& next) const {
  if (contract::has_errors(next.problems)) return nullptr;
  Snapshot::Input input{settings, {}, {}, beyond_loopback};
  for (size_t i = 0; i < next.drafts.size(); ++i) {
    input.contracts.push_back(next.drafts[i].contract);
    input.pending.push_back(next.keepers[i]->trouble());
  }
  return Snapshot::build(input, next.problems);
}

// Of what is served, but the newest contract of some upstreams.
std::shared_ptr<const Snapshot> Contracts::build(const std::vector<bool>& newest,
                                                 std::vector<contract::Problem>& problems) const {
  Snapshot::Input input{settings_, {}, {}, beyond_loopback_};
  for (size_t i = 0; i < entries_.size(); ++i) {
    const ContractKeeper& keeper = *entries_[i].keeper;
    input.contracts.push_back(newest[i] ? keeper.newest() : keeper.current());
    input.pending.push_back(pending(entries_[i]));
  }
  return Snapshot::build(input, problems);
}

void Contracts::commit(const std::shared_ptr<const Settings>& settings, Next next) {
  std::vector<Entry> before = std::exchange(entries_, {});
  for (size_t i = 0; i < next.keepers.size(); ++i) {
    const std::string& name = next.keepers[i]->name();
    const auto known = std::ranges::find_if(
        before, [&](const Entry& one) { return one.keeper && one.keeper->name() == name; });
    if (known != before.end() && known->keeper->current() && next.drafts[i].contract)
      tell_changes(name, *known->keeper->current(), *next.drafts[i].contract);
    const bool kept = known != before.end() && known->keeper == next.keepers[i];
    next.keepers[i]->use(settings, std::move(next.drafts[i]));
    entries_.push_back(kept ? std::exchange(*known, {}) : enter(std::move(next.keepers[i])));
    entries_.back().conflicts.clear();
  }
  for (const Entry& entry : before) {
    if (entry.keeper) health_.forget(entry.keeper->cluster());
  }
  settings_ = settings;
}

Contracts::Entry Contracts::enter(std::shared_ptr<ContractKeeper> keeper) {
  Entry entry{std::move(keeper), std::make_unique<loop::TaskSet>(loop_), {}};
  if (asking_) entry.keeper->start_asking();
  entry.watching->spawn(watch(*entry.keeper));
  return entry;
}

const Contracts::Entry* Contracts::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(entries_, [&](const Entry& one) { return one.keeper->name() == name; });
  return found == entries_.end() ? nullptr : &*found;
}

void Contracts::start_asking() {
  asking_ = true;
  for (const Entry& entry : entries_) entry.keeper->start_asking();
}

loop::Task<void> Contracts::watch(ContractKeeper& keeper) {
  for (;;) {
    co_await keeper.changed().wait();
    events_.changed();
  }
}

// Puts into service what upstreams say by now: all of it, or as much as can be served together.
void Contracts::settle() {
  const std::vector<std::string> before = conflicts();
  std::vector<bool> newest;
  for (Entry& entry : entries_) {
    entry.conflicts.clear();
    newest.push_back(entry.keeper->newest() != nullptr);
  }
  std::vector<contract::Problem> problems;
  auto snapshot = build(newest, problems);
  if (contract::has_errors(problems)) {
    newest = settle_one_by_one();
    problems.clear();
    snapshot = build(newest, problems);
  }
  serve_newest(newest);
  const std::vector<std::string> now = conflicts();
  for (const std::string& conflict : now) {
    if (std::ranges::find(before, conflict) == before.end()) events_.say(conflict);
  }
  const bool fresh = std::ranges::find(newest, true) != newest.end();
  if (fresh || snapshot->pending() != snapshot_->pending()) {
    snapshot_ = relieved(std::move(snapshot));
    publish();
  }
  events_.changed();
  if (!now.empty()) events_.conflicted();
}

// Which upstreams' newest contracts can be served; the others get to know why not.
std::vector<bool> Contracts::settle_one_by_one() {
  std::vector<bool> newest(entries_.size(), false);
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < entries_.size(); ++i) {
      Entry& entry = entries_[i];
      if (newest[i] || !entry.keeper->newest()) continue;
      std::vector<contract::Problem> problems;
      newest[i] = true;
      build(newest, problems);
      newest[i] = !contract::has_errors(problems);
      more = more || newest[i];
      entry.conflicts.clear();
      for (const contract::Problem& problem : problems) {
        entry.conflicts.push_back(fmt::format(
            "upstream {}: its contract cannot be served beside the others{}: {}",
            entry.keeper->name(), entry.keeper->current() ? ", the one from before stays" : "",
            problem.text()));
      }
    }
  }
  return newest;
}

void Contracts::serve_newest(const std::vector<bool>& newest) {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!newest[i]) continue;
    ContractKeeper& keeper = *entries_[i].keeper;
    if (keeper.current()) tell_changes(keeper.name(), *keeper.current(), *keeper.newest());
    keeper.serve_newest();
  }
  tell_idle_rules();
}

std::string Contracts::pending(const Entry& entry) {
  return entry.conflicts.empty() ? entry.keeper->trouble() : entry.conflicts.front();
}

std::vector<std::string> Contracts::conflicts() const {
  std::vector<std::string> all;
  for (const Entry& entry : entries_)
    all.insert(all.end(), entry.conflicts.begin(), entry.conflicts.end());
  return all;
}

std::set<size_t> Contracts::idle_rules() const {
  std::vector<const std::vector<size_t>*> unmatched;
  for (const Entry& entry : entries_)
    unmatched.push_back(entry.keeper->current() ? &entry.keeper->unmatched_rules() : nullptr);
  return rules_of_nobody(*settings_, unmatched);
}

// Rules whose method an upstream no longer has.
void Contracts::tell_idle_rules() {
  const std::set<size_t> told = std::exchange(idle_rules_, idle_rules());
  std::vector<contract::Problem> problems;
  for (const size_t rule : idle_rules_) {
    if (told.contains(rule)) continue;
    problems.push_back(rule_of_nobody(settings_->rules[rule]));
    problems.back().severity = contract::Problem::Severity::Warning;
  }
  if (!problems.empty()) events_.complain(std::move(problems));
}

void Contracts::contract_trouble(ContractKeeper& keeper, const std::string& text) {
  events_.say("upstream " + keeper.name() + ": " + text + "; trying again");
  // What is answered while it is not here says why.
  if (!keeper.current()) return settle();
  events_.changed();
}

void Contracts::publish() {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].keeper->current()) health_.watch(i, *snapshot_, entries_[i].keeper->cluster());
  }
  events_.published();
  events_.changed();
}

// Gives memory back to the operating system when the last call that used the snapshot has ended:
// what it frees lies between what the next one has allocated, and would stay with the allocator.
std::shared_ptr<const Snapshot> Contracts::relieved(std::shared_ptr<const Snapshot> snapshot) {
  const Snapshot* const bare = snapshot.get();
  return {bare, [kept = std::move(snapshot), &loop = loop_](const Snapshot*) mutable {
            kept.reset();
            loop.post([] { malloc_trim(0); });
          }};
}

bool Contracts::complete() const {
  return std::ranges::all_of(entries_,
                             [](const Entry& one) { return one.keeper->current() != nullptr; });
}

void Contracts::describe(service::Readiness& readiness) const {
  readiness.ready = readiness.ready && snapshot_ != nullptr;
  std::ranges::move(conflicts(), std::back_inserter(readiness.problems));
  for (const Entry& entry : entries_) {
    const ContractKeeper& keeper = *entry.keeper;
    service::Readiness::Upstream upstream;
    upstream.name = keeper.name();
    upstream.ready = keeper.current() && keeper.cluster().connected();
    if (!keeper.current()) {
      upstream.state = pending(entry);
    } else if (!keeper.cluster().connected()) {
      upstream.state = keeper.cluster().trouble();
    } else {
      upstream.state = std::to_string(keeper.current()->contract.method_count()) + " methods";
    }
    // Calls go on by the contract from before.
    if (upstream.ready && !keeper.trouble().empty()) {
      readiness.problems.push_back(fmt::format("upstream {}: {}; the contract from before stays",
                                               keeper.name(), keeper.trouble()));
    }
    readiness.ready = readiness.ready && upstream.ready;
    readiness.upstreams.push_back(std::move(upstream));
  }
}

std::set<std::string> Contracts::files() const {
  std::set<std::string> files = files_;
  files.insert(refused_files_.begin(), refused_files_.end());
  return files;
}

void Contracts::tell_changes(const std::string& upstream, const LoadedContract& before,
                             const LoadedContract& after) const {
  if (&before == &after) return;
  const std::vector<contract::Change> changes = contract::compare(before.contract, after.contract);
  if (changes.empty()) return;  // but in what no client sees
  const auto breaking =
      static_cast<size_t>(std::ranges::count_if(changes, &contract::Change::breaking));
  events_.say(fmt::format("upstream {}: its contract has changed: {} changes, {} of them breaking",
                          upstream, changes.size(), breaking));
  size_t shown = 0;
  for (const bool worst : {true, false}) {
    for (const contract::Change& change : changes) {
      if (change.breaking == worst && ++shown <= kChangesShown) events_.say("  " + change.text());
    }
  }
  if (changes.size() > kChangesShown)
    events_.say(fmt::format("  and {} more", changes.size() - kChangesShown));
}

}  // namespace parley::gateway
