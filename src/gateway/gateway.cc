#include "gateway/gateway.h"

#include <algorithm>
#include <thread>
#include <utility>

#include <sched.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "gateway/contract_keeper.h"
#include "gateway/health_keeper.h"
#include "gateway/shard.h"
#include "gateway/status.h"
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

// nullopt: the files do not load. The configuration has warned already of what still works.
std::optional<net::TlsServerContext> load_tls(const ListenerSettings& listener,
                                              std::vector<contract::Problem>& problems) {
  std::vector<net::TlsProblem> found;
  auto tls = net::TlsServerContext::load(listener.tls, net::TicketKeys::fresh(), found);
  for (net::TlsProblem& one : found) {
    if (one.warning) continue;
    contract::Problem problem;
    problem.what = std::move(one.what);
    problem.remedy = std::move(one.remedy);
    problems.push_back(std::move(problem));
  }
  return tls;
}

// Signals as something that a loop can wait for. Blocks them for the whole process, so it is made
// first.
class Signals final : private loop::Watcher {
 public:
  explicit Signals(loop::Loop& loop) : loop_(loop), arrived_(loop) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    descriptor_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    PARLEY_ASSERT(descriptor_ >= 0);
    loop_.poller().add(descriptor_, *this);
  }
  ~Signals() {
    loop_.poller().remove(descriptor_, *this);
    close(descriptor_);
  }

  // How often SIGTERM or SIGINT came.
  int stops() const { return stops_; }
  loop::Signal& arrived() { return arrived_; }

 private:
  void ready(bool, bool) override {
    signalfd_siginfo info;
    while (read(descriptor_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo != SIGHUP) ++stops_;
    }
    arrived_.notify();
  }

  loop::Loop& loop_;
  loop::Signal arrived_;
  int descriptor_ = -1;
  int stops_ = 0;
};

}  // namespace

// The control thread: everything that is not a request.
class Gateway::State final : public ContractListener {
 public:
  State(Settings settings, Events events);

  std::vector<contract::Problem> start();
  int run();
  void stop();
  const std::vector<std::string>& addresses() const { return addresses_; }

 private:
  void contract_changed(size_t index) override;
  void contract_trouble(size_t index, const std::string& text) override;

  void make_shards();
  void listen(const ListenerSettings& listener, std::vector<contract::Problem>& problems);
  void publish();
  void conflict(const std::vector<contract::Problem>& problems);
  void update_readiness();
  loop::Task<void> watch_readiness(ContractKeeper& keeper);
  loop::Task<void> pass_health_on();
  loop::Task<void> wait_for_stop();
  void drain();
  void check_rules(std::vector<contract::Problem>& problems) const;

  Settings settings_;
  const Events events_;
  SystemClock clock_;
  std::unique_ptr<loop::Poller> poller_;
  loop::Loop loop_;
  Signals signals_;
  std::unique_ptr<net::Network> network_;
  std::unique_ptr<net::Resolver> resolver_;
  Status status_;
  std::vector<std::unique_ptr<ContractKeeper>> keepers_;
  HealthKeeper health_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::string> addresses_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::vector<std::string> conflicts_;  // why the newest contracts are not in service
  bool beyond_loopback_ = false;
  bool running_ = false;
  bool complete_once_ = false;
  bool draining_ = false;
  bool stop_asked_ = false;
  Instant started_{};
  int exit_status_ = 0;
  std::thread joining_;  // from drain() on
  loop::TaskSet tasks_;
};

Gateway::State::State(Settings settings, Events events)
    : settings_(std::move(settings)),
      events_(std::move(events)),
      poller_(loop::make_epoll_poller()),
      loop_(clock_, *poller_, static_cast<uint64_t>(clock_.wall().time_since_epoch().count())),
      signals_(loop_),
      network_(net::make_socket_network(loop_)),
      resolver_(net::make_resolver(loop_)),
      health_(loop_),
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
  make_shards();
  for (const ListenerSettings& listener : settings_.listeners) listen(listener, problems);
  if (settings_.admin != "off") {
    listen({settings_.admin, {.api = false, .health = true, .reflection = false, .admin = true}},
           problems);
  }
  for (const auto& keeper : keepers_) {
    for (contract::Problem& problem : keeper->load_from_disk())
      problems.push_back(std::move(problem));
  }
  if (contract::has_errors(problems)) return problems;
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
    shards_.push_back(std::make_unique<Shard>(settings_, status_, loop_.random().next()));
  }
}

void Gateway::State::listen(const ListenerSettings& listener,
                            std::vector<contract::Problem>& problems) {
  auto parsed = net::Address::parse(listener.address);
  if (!parsed) {
    problems.push_back(cannot_listen(parsed.error()));
    return;
  }
  beyond_loopback_ = beyond_loopback_ || (!parsed->is_loopback() && listener.serve.api);
  const auto tls = load_tls(listener, problems);
  if (!tls) return;
  net::Address address = *parsed;
  net::ListenOptions options;
  if (!address.is_unix()) {
    // With SO_REUSEPORT a second gateway would silently share the port: a socket without it finds
    // out.
    auto probe = network_->listen(address, {.reuse_port = false});
    if (!probe) {
      problems.push_back(cannot_listen(probe.error()));
      return;
    }
    address = (*probe)->address();
  }
  // The admin's few requests need one shard only.
  const size_t sockets = listener.serve.admin ? 1 : shards_.size();
  for (size_t i = 0; i < sockets; ++i) {
    auto bound = shards_[i]->listen(address, options, listener.serve);
    if (!bound) {
      problems.push_back(cannot_listen(bound.error()));
      return;
    }
    shards_[i]->secure(*tls);
    if (address.is_unix()) options.shared_descriptor = bound->descriptor;
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
  tasks_.spawn(pass_health_on());
  tasks_.spawn(wait_for_stop());
  update_readiness();
  loop_.run();
  if (joining_.joinable()) joining_.join();  // it may still be about to wake this loop
  return exit_status_;
}

void Gateway::State::stop() {
  loop_.post([this] {
    stop_asked_ = true;
    signals_.arrived().notify();
  });
}

void Gateway::State::contract_changed(size_t) { publish(); }

void Gateway::State::contract_trouble(size_t index, const std::string& text) {
  events_.say("upstream " + settings_.upstreams[index].connection.name + ": " + text +
              "; trying again");
  publish();
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
    if (events_.published) events_.published(*snapshot_);
  }
}

void Gateway::State::conflict(const std::vector<contract::Problem>& problems) {
  conflicts_.clear();
  for (const contract::Problem& problem : problems) {
    conflicts_.push_back(problem.text());
    if (running_) events_.say(problem.text());  // before, start() returns them
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
  update_readiness();
  for (const auto& shard : shards_)
    shard->drain({settings_.drain_timeout, settings_.drain_idle_timeout});
  // Joining blocks, and signals still have to be seen: a thread of its own waits.
  joining_ = std::thread([this] {
    for (const auto& shard : shards_) shard->join();
    loop_.stop();
  });
}

Gateway::Gateway(Settings settings, Events events)
    : state_(std::make_unique<State>(std::move(settings), std::move(events))) {}
Gateway::~Gateway() = default;

std::vector<contract::Problem> Gateway::start() { return state_->start(); }
std::vector<std::string> Gateway::addresses() const { return state_->addresses(); }
int Gateway::run() { return state_->run(); }
void Gateway::stop() { state_->stop(); }

}  // namespace parley::gateway
