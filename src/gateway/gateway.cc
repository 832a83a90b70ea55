#include "gateway/gateway.h"

#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include "gateway/address_counts.h"
#include "gateway/contract_keeper.h"
#include "gateway/health_keeper.h"
#include "gateway/listener_sockets.h"
#include "gateway/shard.h"
#include "gateway/signals.h"
#include "gateway/status.h"
#include "gateway/successor.h"
#include "gateway/supervisor.h"
#include "gateway/tls_keeper.h"
#include "gateway/upgrade.h"
#include "http/timed_wait.h"
#include "loop/combine.h"
#include "loop/task_set.h"

namespace parley::gateway {
namespace {

// A conflict that shows in this time after the start ends the process; later the old snapshot
// stays.
constexpr Duration kStartWindow = std::chrono::seconds(30);

uint32_t usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<uint32_t>(std::max(CPU_COUNT(&set), 1));
}

contract::Problem cannot_listen(const Failure& failure) {
  contract::Problem problem;
  problem.what = failure.message();
  problem.remedy = "stop what uses it, or choose another address with --listen or --admin";
  return problem;
}

}  // namespace

// The control thread: everything that is not a request.
class Gateway::State final : public ContractListener, public TlsListener {
 public:
  State(Settings settings, Host host);

  std::vector<contract::Problem> start();
  int run();
  void stop();
  const std::vector<std::string>& addresses() const { return addresses_; }

 private:
  void contract_changed(size_t index) override;
  void contract_trouble(size_t index, const std::string& text) override;
  void tls_changed(const TlsContexts& contexts) override;
  void tls_news(const std::string& text) override { host_.say(text); }

  void make_shards();
  Result<void> meet_predecessor();
  void listen(const ListenerSettings& listener, std::vector<contract::Problem>& problems);
  void publish();
  void conflict(const std::vector<contract::Problem>& problems);
  void update_readiness();
  loop::Task<void> watch_readiness(ContractKeeper& keeper);
  loop::Task<void> pass_health_on();
  loop::Task<void> wait_for_stop();
  loop::Task<void> wait_for_successor();
  loop::Task<void> wait_for_contracts();
  loop::Task<void> watch_signals();
  void begin_accepting();
  void drain();
  void check_rules(std::vector<contract::Problem>& problems) const;

  Settings settings_;
  const Host host_;
  SystemClock clock_;
  std::unique_ptr<loop::Poller> poller_;
  loop::Loop loop_;
  Signals signals_;
  std::unique_ptr<net::Network> network_;
  std::unique_ptr<net::Resolver> resolver_;
  Status status_;
  AddressCounts client_addresses_;
  const Supervisor supervisor_;
  ListenerSockets sockets_;
  std::unique_ptr<Predecessor> predecessor_;  // while this process takes over
  std::unique_ptr<Succession> succession_;
  TlsKeeper tls_;
  std::vector<std::unique_ptr<ContractKeeper>> keepers_;
  HealthKeeper health_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::string> addresses_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::vector<std::string> conflicts_;  // why the newest contracts are not in service
  bool beyond_loopback_ = false;
  bool running_ = false;
  loop::Signal published_;
  bool complete_once_ = false;
  bool draining_ = false;
  bool stop_asked_ = false;
  Instant started_{};
  int exit_status_ = 0;
  std::thread joining_;  // from drain() on
  loop::TaskSet waiting_for_successor_;
  loop::TaskSet tasks_;
};

Gateway::State::State(Settings settings, Host host)
    : settings_(std::move(settings)),
      host_(std::move(host)),
      poller_(loop::make_epoll_poller()),
      loop_(clock_, *poller_, static_cast<uint64_t>(clock_.wall().time_since_epoch().count())),
      signals_(loop_),
      network_(net::make_socket_network(loop_)),
      resolver_(net::make_resolver(loop_)),
      client_addresses_(settings_.connections_per_address_max),
      tls_(loop_, settings_, *this),
      health_(loop_),
      published_(loop_),
      waiting_for_successor_(loop_),
      tasks_(loop_) {
  if (settings_.threads == 0) settings_.threads = usable_cores();
  for (size_t i = 0; i < settings_.upstreams.size(); ++i) {
    keepers_.push_back(
        std::make_unique<ContractKeeper>(loop_, *network_, *resolver_, settings_, i, *this));
  }
}

std::vector<contract::Problem> Gateway::State::start() {
  std::vector<contract::Problem> problems;
  started_ = loop_.now();
  problems = tls_.load();
  if (contract::has_errors(problems)) return problems;
  make_shards();
  sockets_.take(sockets_of_environment());
  if (const auto met = meet_predecessor(); !met) {
    contract::Problem problem;
    problem.what = met.error().message();
    problem.remedy = "correct upgrade_socket, or stop the other process";
    return {std::move(problem)};
  }
  for (const ListenerSettings& listener : settings_.listeners) listen(listener, problems);
  if (settings_.admin != "off") {
    ListenerSettings admin;
    admin.address = settings_.admin;
    admin.serve = {.api = false, .health = true, .reflection = false, .admin = true};
    listen(admin, problems);
  }
  for (const std::string& address : sockets_.drop_unclaimed()) {
    contract::Problem problem;
    problem.severity = contract::Problem::Severity::Warning;
    problem.what = fmt::format("the socket of {} that was passed on fits no listener", address);
    problem.remedy = "name the address as it is bound, or do not pass it on";
    problems.push_back(std::move(problem));
  }
  for (const auto& keeper : keepers_) {
    for (contract::Problem& problem : keeper->load_from_disk())
      problems.push_back(std::move(problem));
  }
  if (contract::has_errors(problems)) return problems;
  tls_changed(tls_.contexts());
  check_rules(problems);
  publish();
  for (const std::string& text : conflicts_) {
    contract::Problem problem;
    problem.what = text;
    problems.push_back(std::move(problem));
  }
  return problems;
}

void Gateway::State::make_shards() {
  for (uint32_t i = 0; i < settings_.threads; ++i) {
    shards_.push_back(
        std::make_unique<Shard>(settings_, status_, client_addresses_, loop_.random().next()));
  }
}

// Whoever serves with the same upgrade_socket gives this process its listening sockets, and goes on
// until this one is ready.
Result<void> Gateway::State::meet_predecessor() {
  if (settings_.upgrade_socket.empty()) return {};
  TRY(met, Predecessor::meet(settings_.upgrade_socket, settings_.upgrade_timeout));
  predecessor_ = std::move(met);
  net::ListeningSocket socket;
  if (predecessor_) {
    sockets_.take(predecessor_->take_sockets());
    socket = predecessor_->take_upgrade_socket();
  } else {
    TRY(opened, open_upgrade_socket(settings_.upgrade_socket));
    socket = std::move(opened);
  }
  succession_ = std::make_unique<Succession>(
      loop_, std::move(socket), settings_.upgrade_timeout,
      Succession::Events{.sockets = [this]() -> const auto& { return sockets_.all(); },
                         .say = host_.say});
  return {};
}

void Gateway::State::listen(const ListenerSettings& listener,
                            std::vector<contract::Problem>& problems) {
  // The admin's few requests need one shard only.
  const size_t shards = listener.serve.admin ? 1 : shards_.size();
  auto open = sockets_.open(listener.address, shards);
  if (!open) {
    problems.push_back(cannot_listen(open.error()));
    return;
  }
  const net::Address& address = (*open)->address;
  beyond_loopback_ = beyond_loopback_ || (!address.is_loopback() && listener.serve.api);
  for (size_t i = 0; i < shards; ++i) {
    if (const auto shared = shards_[i]->listen(**open, i, listener); !shared) {
      problems.push_back(cannot_listen(shared.error()));
      return;
    }
  }
  addresses_.push_back(address.text());
}

// Rules in the config that name no method of any upstream. By reflection this is known only later.
void Gateway::State::check_rules(std::vector<contract::Problem>& problems) const {
  for (size_t rule = 0; rule < settings_.rules.size(); ++rule) {
    const bool unmatched = std::all_of(keepers_.begin(), keepers_.end(), [&](const auto& keeper) {
      const auto& rules = keeper->unmatched_rules();
      return keeper->current() && std::find(rules.begin(), rules.end(), rule) != rules.end();
    });
    if (!unmatched) continue;
    const contract::ConfiguredRule& configured = settings_.rules[rule];
    problems.push_back({contract::Problem::Severity::Error, configured.file, configured.line,
                        configured.column, "no upstream has a method " + configured.selector,
                        "correct the selector"});
  }
}

int Gateway::State::run() {
  running_ = true;
  for (const auto& shard : shards_) shard->start();
  for (const auto& keeper : keepers_) {
    keeper->start_asking();
    tasks_.spawn(watch_readiness(*keeper));
  }
  tls_.start();
  tasks_.spawn(pass_health_on());
  tasks_.spawn(wait_for_stop());
  tasks_.spawn(watch_signals());
  if (predecessor_) {
    tasks_.spawn(wait_for_contracts());
  } else {
    begin_accepting();
  }
  update_readiness();
  loop_.run();
  if (joining_.joinable()) joining_.join();  // it may still be about to wake this loop
  return exit_status_;
}

void Gateway::State::begin_accepting() {
  for (const auto& shard : shards_) shard->begin_accepting();
  supervisor_.ready();
  if (succession_) waiting_for_successor_.spawn(wait_for_successor());
}

// What this process accepts the other one does not see, so it accepts nothing that it could not
// answer yet.
loop::Task<void> Gateway::State::wait_for_contracts() {
  const Instant end = deadline_after(loop_.now(), settings_.upgrade_timeout);
  while (!complete_once_ && loop_.now() < end) {
    co_await http::TimedWait(published_, end);
  }
  if (!complete_once_) {
    const std::string why = snapshot_ ? snapshot_->pending() : "no contract";
    host_.say(fmt::format("not ready after upgrade_timeout ({}): process {} goes on", why,
                          predecessor_->pid()));
    exit_status_ = 1;
    stop();
    co_return;
  }
  begin_accepting();
  if (predecessor_->relieve()) {
    host_.say(fmt::format("took over from process {}", predecessor_->pid()));
  } else {
    host_.say(
        fmt::format("process {} has gone before this one could take over", predecessor_->pid()));
  }
  sockets_.take_files();
  succession_->take_file();
  predecessor_.reset();
}

loop::Task<void> Gateway::State::wait_for_successor() {
  const pid_t successor = co_await succession_->succeeded();
  sockets_.release_files();
  supervisor_.succeeded_by(successor);
  host_.say(fmt::format("process {} has taken over, this one ends", successor));
  stop();
}

// SIGUSR2 starts the program again, from the same path: the new process takes over when it is
// ready.
loop::Task<void> Gateway::State::watch_signals() {
  int upgrades = 0;
  int reloads = 0;
  int children = 0;
  for (;;) {
    if (upgrades != signals_.upgrades()) {
      upgrades = signals_.upgrades();
      if (settings_.upgrade_socket.empty()) {
        host_.say("SIGUSR2: without upgrade_socket there is nothing to take over by");
      } else if (const auto started = start_successor(host_.command); !started) {
        host_.say(started.error().message());
      }
    }
    if (reloads != signals_.reloads()) {
      reloads = signals_.reloads();
      tls_.reload();
    }
    if (children != signals_.children()) {
      children = signals_.children();
      for (const std::string& line : reap_successors()) host_.say(line);
    }
    co_await signals_.arrived().wait();
  }
}

void Gateway::State::stop() {
  loop_.post([this] {
    stop_asked_ = true;
    signals_.arrived().notify();
  });
}

void Gateway::State::contract_changed(size_t) { publish(); }

void Gateway::State::contract_trouble(size_t index, const std::string& text) {
  host_.say("upstream " + settings_.upstreams[index].connection.name + ": " + text +
            "; trying again");
  publish();
}

void Gateway::State::tls_changed(const TlsContexts& contexts) {
  for (size_t i = 0; i < keepers_.size(); ++i) keepers_[i]->cluster().use(contexts.upstreams[i]);
  for (const auto& shard : shards_) shard->publish(contexts);
}

void Gateway::State::publish() {
  Snapshot::Input input;
  input.settings = &settings_;
  input.beyond_loopback = beyond_loopback_;
  bool complete = true;
  for (const auto& keeper : keepers_) {
    complete = complete && keeper->current() != nullptr;
    input.contracts.push_back(keeper->current());
    input.pending.push_back(keeper->trouble());
  }
  std::vector<contract::Problem> problems;
  auto snapshot = Snapshot::build(input, problems);
  if (contract::has_errors(problems)) {
    conflict(problems);
    return;
  }
  conflicts_.clear();
  snapshot_ = std::move(snapshot);
  for (const auto& shard : shards_) shard->publish(snapshot_);
  for (size_t i = 0; i < keepers_.size(); ++i) {
    if (keepers_[i]->current()) health_.watch(i, *snapshot_, keepers_[i]->cluster());
  }
  update_readiness();
  if (complete) {
    complete_once_ = true;
    if (host_.published) host_.published(*snapshot_);
    published_.notify();
  }
}

void Gateway::State::conflict(const std::vector<contract::Problem>& problems) {
  conflicts_.clear();
  for (const contract::Problem& problem : problems) {
    conflicts_.push_back(problem.text());
    if (running_) host_.say(problem.text());  // before, start() returns them
  }
  update_readiness();
  if (complete_once_ || loop_.now() - started_ > kStartWindow) return;
  exit_status_ = 1;
  stop();
}

void Gateway::State::update_readiness() {
  service::Readiness readiness;
  readiness.draining = draining_;
  readiness.ready = !draining_ && snapshot_ != nullptr;
  readiness.problems = conflicts_;
  for (size_t i = 0; i < keepers_.size(); ++i) {
    const ContractKeeper& keeper = *keepers_[i];
    service::Readiness::Upstream upstream;
    upstream.name = settings_.upstreams[i].connection.name;
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
  status_.set_readiness(std::move(readiness));
}

loop::Task<void> Gateway::State::watch_readiness(ContractKeeper& keeper) {
  for (;;) {
    co_await keeper.changed().wait();
    update_readiness();
  }
}

loop::Task<void> Gateway::State::pass_health_on() {
  for (;;) {
    co_await health_.changed().wait();
    for (const auto& shard : shards_) shard->publish(health_.report());
  }
}

loop::Task<void> Gateway::State::wait_for_stop() {
  while (signals_.stops() == 0 && !stop_asked_) co_await signals_.arrived().wait();
  drain();
  // A second signal means: now.
  while (signals_.stops() < 2) co_await signals_.arrived().wait();
  // tidy: allow exit: the user asked twice, and what still runs is what does not end
  _exit(1);
}

void Gateway::State::drain() {
  draining_ = true;
  supervisor_.stopping();
  // The shards have their own descriptors, and take what waits before they close them.
  waiting_for_successor_.cancel_all();
  succession_.reset();
  sockets_.clear();
  update_readiness();
  for (const auto& shard : shards_)
    shard->drain({settings_.drain_timeout, settings_.drain_idle_timeout});
  // Joining blocks, and signals still have to be seen: a thread of its own waits.
  joining_ = std::thread([this] {
    for (const auto& shard : shards_) shard->join();
    loop_.stop();
  });
}

Gateway::Gateway(Settings settings, Host host)
    : state_(std::make_unique<State>(std::move(settings), std::move(host))) {}
Gateway::~Gateway() = default;

std::vector<contract::Problem> Gateway::start() { return state_->start(); }
std::vector<std::string> Gateway::addresses() const { return state_->addresses(); }
int Gateway::run() { return state_->run(); }
void Gateway::stop() { state_->stop(); }

}  // namespace parley::gateway
