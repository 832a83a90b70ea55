#include "cli/preview.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "cli/source_paths.h"
#include "gateway/contract_files.h"
#include "loop/combine.h"
#include "loop/loop.h"
#include "loop/task_set.h"
#include "net/address.h"
#include "net/network.h"
#include "upstream/cluster.h"
#include "upstream/reflection_client.h"

namespace parley::cli {
namespace {

using contract::Problem;

bool on_disk(const gateway::UpstreamSettings& upstream) {
  return !upstream.proto.files.empty() || !upstream.descriptor_set.empty();
}

// What upstreams answered, in the order of the settings; nullopt: not asked, or no answer in time.
using Answers = std::vector<std::optional<Result<contract::Source>>>;

// Asks every upstream whose contract is not on disk, on a loop of its own.
class Asking {
 public:
  explicit Asking(const gateway::Settings& settings)
      : settings_(settings),
        poller_(loop::make_epoll_poller()),
        loop_(clock_, *poller_),
        network_(net::make_socket_network(loop_)),
        resolver_(net::make_resolver(loop_)),
        answers_(settings.upstreams.size()),
        tasks_(loop_) {}

  Answers run(Duration limit) {
    const Instant deadline = deadline_after(loop_.now(), limit);
    for (size_t i = 0; i < answers_.size(); ++i) {
      if (on_disk(settings_.upstreams[i])) continue;
      const upstream::Settings& connection = settings_.upstreams[i].connection;
      clusters_.emplace_back(loop_, *network_, *resolver_, connection);
      std::vector<net::TlsProblem> told;  // by the configuration
      if (auto tls = net::TlsClientContext::load(connection.tls, told))
        clusters_.back().use(*std::move(tls));
      tasks_.spawn(ask(clusters_.back(), answers_[i], deadline));
    }
    while (!tasks_.empty()) loop_.turn(deadline);
    return std::move(answers_);
  }

 private:
  loop::Task<void> ask(upstream::Cluster& cluster, std::optional<Result<contract::Source>>& answer,
                       Instant deadline) {
    answer = co_await loop::with_deadline(loop_, upstream::fetch_contract(cluster), deadline);
  }

  const gateway::Settings& settings_;
  SystemClock clock_;
  std::unique_ptr<loop::Poller> poller_;
  loop::Loop loop_;
  std::unique_ptr<net::Network> network_;
  std::unique_ptr<net::Resolver> resolver_;
  std::deque<upstream::Cluster> clusters_;
  Answers answers_;
  loop::TaskSet tasks_;
};

Problem no_contract(const std::string& name, const Failure& failure) {
  Problem problem;
  problem.what = failure.message();
  if (!problem.what.starts_with("upstream ")) problem.what.insert(0, "upstream " + name + ": ");
  if (!failure.detail().empty()) problem.what += ": " + failure.detail();
  if (failure.reason() == Reason::DeadlineExpired)
    problem.what = fmt::format("upstream {} did not tell its contract in time", name);
  if (failure.code() == Code::Unavailable || failure.reason() == Reason::DeadlineExpired)
    problem.remedy =
        "start it or correct its address, or name its contract with --proto or "
        "--descriptor-set";
  return problem;
}

// Gathers what `preview` returns.
class Loading {
 public:
  explicit Loading(const gateway::Settings& settings)
      : settings_(settings), unmatched_(settings.rules.size(), 0) {
    options_.rules = settings.rules;
    input_.settings = std::make_shared<const gateway::Settings>(settings);
    for (const gateway::ListenerSettings& listener : settings.listeners) {
      const auto address = net::Address::parse(listener.address);
      if (address && listener.serve.api && !address->is_loopback()) input_.beyond_loopback = true;
    }
  }

  void add(size_t index, std::optional<Result<contract::Source>> answer) {
    const gateway::UpstreamSettings& upstream = settings_.upstreams[index];
    if (on_disk(upstream)) {
      take(upstream, gateway::load_from_disk(upstream, options_));
    } else if (answer && !*answer) {
      problems_.push_back(no_contract(upstream.connection.name, answer->error()));
      missing("it could not be asked");
    } else {
      take(upstream, gateway::load_told(upstream, *std::move(*answer), options_));
    }
  }

  Preview finish() {
    check_rules();
    Preview preview;
    std::vector<Problem> problems;
    preview.snapshot = gateway::Snapshot::build(input_, problems);
    std::ranges::move(problems, std::back_inserter(problems_));
    preview.problems = std::move(problems_);
    place_on_disk(preview.problems, settings_.upstreams);
    return preview;
  }

 private:
  void take(const gateway::UpstreamSettings& upstream, contract::Loaded loaded) {
    std::ranges::move(loaded.problems, std::back_inserter(problems_));
    if (!loaded.contract) return missing("its contract does not load");
    for (const size_t rule : loaded.unmatched_rules) ++unmatched_[rule];
    input_.contracts.push_back(std::make_shared<const gateway::LoadedContract>(
        upstream.connection.name, *std::move(loaded.contract)));
    input_.pending.emplace_back();
  }

  void missing(std::string why) {
    input_.contracts.push_back(nullptr);
    input_.pending.push_back(std::move(why));
    complete_ = false;
  }

  // Rules that no upstream's contract has a method for: that is known when all of them are here.
  void check_rules() {
    for (size_t i = 0; i < settings_.rules.size() && complete_; ++i) {
      if (unmatched_[i] < settings_.upstreams.size()) continue;
      const contract::ConfiguredRule& rule = settings_.rules[i];
      problems_.push_back({Problem::Severity::Error, rule.file, rule.line, rule.column,
                           fmt::format("no upstream has a method {}", rule.selector),
                           "correct the selector"});
    }
  }

  const gateway::Settings& settings_;
  contract::LoadOptions options_;
  gateway::Snapshot::Input input_;
  std::vector<size_t> unmatched_;  // by rule: how many contracts have no such method
  bool complete_ = true;
  std::vector<Problem> problems_;
};

}  // namespace

Preview preview(const gateway::Settings& settings, Duration limit) {
  Answers answers = Asking(settings).run(limit);
  Loading loading(settings);
  for (size_t i = 0; i < answers.size(); ++i) loading.add(i, std::move(answers[i]));
  return loading.finish();
}

std::vector<Problem> problems_on_disk(const gateway::Settings& settings) {
  contract::LoadOptions options;
  options.rules = settings.rules;
  std::vector<Problem> problems;
  for (const gateway::UpstreamSettings& upstream : settings.upstreams) {
    if (on_disk(upstream))
      std::ranges::move(load_from_disk(upstream, options).problems, std::back_inserter(problems));
  }
  place_on_disk(problems, settings.upstreams);
  return problems;
}

}  // namespace parley::cli
