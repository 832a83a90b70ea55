#include "gateway/contracts.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <malloc.h>

#include "contract/compare.h"

namespace parley::gateway {
namespace {

// Of a contract that changed; the rest is counted.
constexpr size_t kChangesShown = 20;

void add_if_there(const std::filesystem::path& path, std::set<std::string>& files) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) files.insert(path.lexically_normal().string());
}

}  // namespace

// What new settings would be like.
struct Contracts::Next {
  std::vector<std::shared_ptr<ContractKeeper>> keepers;
  std::vector<ContractDraft> drafts;
  std::vector<contract::Problem> problems;

  // Rules in the config that name no method of any upstream. By reflection this is known only
  // later.
  void check_rules(const Settings& settings) {
    for (size_t rule = 0; rule < settings.rules.size(); ++rule) {
      const bool unmatched = std::ranges::all_of(drafts, [&](const ContractDraft& draft) {
        return draft.contract &&
               std::ranges::find(draft.unmatched_rules, rule) != draft.unmatched_rules.end();
      });
      if (!unmatched) continue;
      const contract::ConfiguredRule& configured = settings.rules[rule];
      problems.push_back({contract::Problem::Severity::Error, configured.file, configured.line,
                          configured.column, "no upstream has a method " + configured.selector,
                          "correct the selector"});
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
  Next next = prepare(settings);
  if (contract::has_errors(next.problems)) return std::move(next.problems);
  Snapshot::Input input;
  input.settings = settings;
  input.beyond_loopback = beyond_loopback;
  for (size_t i = 0; i < next.drafts.size(); ++i) {
    input.contracts.push_back(next.drafts[i].contract);
    input.pending.push_back(next.keepers[i]->trouble());
  }
  auto snapshot = Snapshot::build(input, next.problems);
  if (contract::has_errors(next.problems)) return std::move(next.problems);
  std::vector<contract::Problem> warnings = std::exchange(next.problems, {});
  beyond_loopback_ = beyond_loopback;
  commit(settings, std::move(next));
  snapshot_ = relieved(std::move(snapshot));
  conflicts_.clear();
  publish();
  return warnings;
}

void Contracts::use(const TlsContexts& tls) {
  for (size_t i = 0; i < std::min(entries_.size(), tls.upstreams.size()); ++i)
    entries_[i].keeper->cluster().use(tls.upstreams[i]);
}

std::vector<contract::Problem> Contracts::check(const std::shared_ptr<const Settings>& settings) {
  return prepare(settings).problems;
}

Contracts::Next Contracts::prepare(const std::shared_ptr<const Settings>& settings) {
  Next next;
  for (const UpstreamSettings& upstream : settings->upstreams) {
    const Entry* known = find(upstream.connection.name);
    next.keepers.push_back(
        known && known->keeper->fits(upstream)
            ? known->keeper
            : std::make_shared<ContractKeeper>(loop_, network_, resolver_, upstream, *this));
    next.drafts.push_back(
        next.keepers.back()->draft(*settings, known ? known->keeper.get() : nullptr));
    std::ranges::move(next.drafts.back().problems, std::back_inserter(next.problems));
  }
  next.check_rules(*settings);
  return next;
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
  }
  for (const Entry& entry : before) {
    if (entry.keeper) health_.forget(entry.keeper->cluster());
  }
  settings_ = settings;
}

Contracts::Entry Contracts::enter(std::shared_ptr<ContractKeeper> keeper) {
  Entry entry{std::move(keeper), std::make_unique<loop::TaskSet>(loop_)};
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

void Contracts::contract_changed(ContractKeeper& keeper, const LoadedContract* before) {
  if (before) tell_changes(keeper.name(), *before, *keeper.current());
  Snapshot::Input input;
  input.settings = settings_;
  input.beyond_loopback = beyond_loopback_;
  for (const Entry& entry : entries_) {
    input.contracts.push_back(entry.keeper->current());
    input.pending.push_back(entry.keeper->trouble());
  }
  std::vector<contract::Problem> problems;
  auto snapshot = Snapshot::build(input, problems);
  conflicts_.clear();
  if (!contract::has_errors(problems)) {
    snapshot_ = relieved(std::move(snapshot));
    return publish();
  }
  for (const contract::Problem& problem : problems) {
    conflicts_.push_back(problem.text());
    events_.say(problem.text());
  }
  events_.conflicted();
}

void Contracts::contract_trouble(ContractKeeper& keeper, const std::string& text) {
  events_.say("upstream " + keeper.name() + ": " + text + "; trying again");
  // What is answered while it is not here says why.
  if (!keeper.current()) contract_changed(keeper, nullptr);
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
  readiness.problems.insert(readiness.problems.end(), conflicts_.begin(), conflicts_.end());
  for (const Entry& entry : entries_) {
    const ContractKeeper& keeper = *entry.keeper;
    service::Readiness::Upstream upstream;
    upstream.name = keeper.name();
    upstream.ready = keeper.current() && keeper.cluster().connected();
    if (!keeper.current()) {
      upstream.state = keeper.trouble();
    } else if (!keeper.cluster().connected()) {
      upstream.state = keeper.cluster().trouble();
    } else {
      upstream.state = std::to_string(keeper.current()->contract.method_count()) + " methods";
    }
    readiness.ready = readiness.ready && upstream.ready;
    readiness.upstreams.push_back(std::move(upstream));
  }
}

std::set<std::string> Contracts::files() const {
  std::set<std::string> files;
  for (const Entry& entry : entries_) {
    const UpstreamSettings& upstream = entry.keeper->upstream();
    if (!upstream.descriptor_set.empty()) files.insert(upstream.descriptor_set);
    std::set<std::filesystem::path> folders(upstream.proto.includes.begin(),
                                            upstream.proto.includes.end());
    for (const std::string& file : upstream.proto.files) {
      add_if_there(file, files);
      folders.insert(std::filesystem::path(file).parent_path());
    }
    if (folders.empty() || !entry.keeper->current()) continue;
    for (const contract::File& file : entry.keeper->current()->contract.files()) {
      for (const auto& folder : folders) add_if_there(folder / file.name, files);
    }
  }
  return files;
}

void Contracts::tell_changes(const std::string& upstream, const LoadedContract& before,
                             const LoadedContract& after) const {
  if (&before == &after) return;
  const std::vector<contract::Change> changes = contract::compare(before.contract, after.contract);
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
