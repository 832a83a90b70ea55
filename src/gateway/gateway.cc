#include "gateway/gateway.h"

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <malloc.h>
#include <sched.h>
#include <unistd.h>

#include "gateway/client_counts.h"
#include "gateway/contracts.h"
#include "gateway/descriptors.h"
#include "gateway/file_watch.h"
#include "gateway/health_keeper.h"
#include "gateway/listener_plans.h"
#include "gateway/listener_sockets.h"
#include "gateway/notices.h"
#include "gateway/shard.h"
#include "gateway/signals.h"
#include "gateway/status.h"
#include "gateway/successor.h"
#include "gateway/supervisor.h"
#include "gateway/tls_keeper.h"
#include "gateway/upgrade.h"
#include "http/timed_wait.h"
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

contract::Problem problem_of(std::string what, std::string remedy) {
  contract::Problem problem;
  problem.what = std::move(what);
  problem.remedy = std::move(remedy);
  return problem;
}

contract::Problem warning_of(std::string what, std::string remedy) {
  contract::Problem problem = problem_of(std::move(what), std::move(remedy));
  problem.severity = contract::Problem::Severity::Warning;
  return problem;
}

// What cannot change while the process runs stays as it is, and is said.
void keep_what_must_stay(const Settings& now, Settings& next,
                         std::vector<contract::Problem>& problems) {
  const auto keep = [&](std::string_view key, const auto& old, auto& fresh) {
    if (old == fresh) return;
    fresh = old;
    problems.push_back(warning_of(fmt::format("{} stays as it was", key),
                                  "a change needs a restart or an upgrade (SIGUSR2)"));
  };
  keep("threads", now.threads, next.threads);
  keep("upgrade_socket", now.upgrade_socket, next.upgrade_socket);
  keep("upgrade_timeout", now.upgrade_timeout, next.upgrade_timeout);
}

}  // namespace

// The control thread: everything that is not a request.
class Gateway::State final : public TlsListener {
 public:
  State(Settings settings, Host host);

  std::vector<contract::Problem> start();
  int run();
  void stop();
  const std::vector<std::string>& addresses() const { return addresses_; }

 private:
  void tls_changed(const TlsContexts& contexts) override;
  void tls_news(const std::string& text) override { host_.say(text); }
  void tls_read(bool taken) override;
  Contracts::Events contract_events();
  Result<void> meet_predecessor();
  std::vector<contract::Problem> take(std::shared_ptr<const Settings> next);
  void reload();
  void published();
  void conflicted();
  void update_readiness();
  void watch_files();
  void begin_accepting();
  void drain();

  loop::Task<void> pass_health_on();
  loop::Task<void> wait_for_stop();
  loop::Task<void> wait_for_contracts();
  loop::Task<void> wait_for_successor();
  loop::Task<void> wait_for_upgrades();
  loop::Task<void> wait_for_reloads();
  loop::Task<void> wait_for_file_changes();

  std::shared_ptr<const Settings> settings_;
  const Host host_;
  Result<std::vector<GivenSocket>> passed_ = sockets_of_environment();  // before others are opened
  SystemClock clock_;
  std::unique_ptr<loop::Poller> poller_;
  loop::Loop loop_;
  Signals signals_;
  std::unique_ptr<net::Network> network_;
  std::unique_ptr<net::Resolver> resolver_;
  Status status_;
  ClientCounts clients_;
  Notices notices_;
  const Supervisor supervisor_;
  ListenerSockets sockets_;
  std::vector<ListenerPlan> plans_;           // that are in service
  std::unique_ptr<TlsKeeper> tls_;            // of settings_
  std::unique_ptr<Predecessor> predecessor_;  // while this process takes over
  std::unique_ptr<Succession> succession_;
  HealthKeeper health_;
  Contracts contracts_;
  FileWatch files_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::string> addresses_;
  std::vector<std::string> refused_;     // why settings that were read again are not in service
  std::set<std::string> refused_files_;  // which they may be refused for, beside the watched ones
  loop::Signal published_;
  bool running_ = false;
  bool complete_once_ = false;
  bool draining_ = false;
  bool stop_asked_ = false;
  bool succeeded_ = false;  // by another process, which has the sockets
  Instant started_{};
  int exit_status_ = 0;
  std::thread joining_;  // from drain() on
  loop::TaskSet waiting_for_successor_;
  loop::TaskSet tasks_;
};

Gateway::State::State(Settings settings, Host host)
    : host_(std::move(host)),
      poller_(loop::make_epoll_poller()),
      loop_(clock_, *poller_, static_cast<uint64_t>(clock_.wall().time_since_epoch().count())),
      signals_(loop_),
      network_(net::make_socket_network(loop_)),
      resolver_(net::make_resolver(loop_)),
      notices_([this](std::string line) {
        loop_.post([this, line = std::move(line)] { host_.say(line); });
      }),
      health_(loop_),
      contracts_(loop_, *network_, *resolver_, health_, contract_events()),
      files_(loop_),
      published_(loop_),
      waiting_for_successor_(loop_),
      tasks_(loop_) {
  if (settings.threads == 0) settings.threads = usable_cores();
  settings_ = std::make_shared<const Settings>(std::move(settings));
}

Contracts::Events Gateway::State::contract_events() {
  return {.say = host_.say,
          .published = [this] { published(); },
          .changed = [this] { update_readiness(); },
          .conflicted = [this] { conflicted(); },
          .complain =
              [this](std::vector<contract::Problem> problems) {
                if (host_.complain) host_.complain(std::move(problems));
              }};
}

std::vector<contract::Problem> Gateway::State::start() {
  started_ = loop_.now();
  if (!passed_) {
    return {problem_of(passed_.error().message(),
                       "pass sockets as sd_listen_fds(3) says, or none: unset LISTEN_FDS")};
  }
  sockets_.take(*std::move(passed_));
  for (uint32_t i = 0; i < settings_->threads; ++i) {
    shards_.push_back(std::make_unique<Shard>(settings_, status_, clients_, notices_,
                                              loop_.random().next(), i, settings_->threads));
  }
  if (const auto met = meet_predecessor(); !met)
    return {problem_of(met.error().message(), "correct upgrade_socket, or stop the other process")};
  std::vector<contract::Problem> problems = take(settings_);
  for (const auto& open : sockets_.all()) addresses_.push_back(open->address.text());
  for (const std::string& address : sockets_.drop_unclaimed()) {
    problems.push_back(
        warning_of(fmt::format("the socket of {} that was passed on fits no listener", address),
                   "name the address as it is bound, or do not pass it on"));
  }
  return problems;
}

// Whoever serves with the same upgrade_socket gives this process its listening sockets, and goes on
// until this one is ready.
Result<void> Gateway::State::meet_predecessor() {
  const std::string& path = settings_->upgrade_socket;
  if (path.empty()) return {};
  TRY(met, [&] {
    const StopsAtOnce while_it_waits;
    return Predecessor::meet(path, settings_->upgrade_timeout);
  }());
  predecessor_ = std::move(met);
  net::ListeningSocket socket;
  if (predecessor_) {
    sockets_.take(predecessor_->take_sockets());
    socket = predecessor_->take_upgrade_socket();
  } else {
    TRY(opened, open_upgrade_socket(path));
    socket = std::move(opened);
  }
  succession_ = std::make_unique<Succession>(
      loop_, std::move(socket), settings_->upgrade_timeout,
      Succession::Events{.sockets = [this]() -> const auto& { return sockets_.all(); },
                         .tickets = [this] { return tls_->tickets(); },
                         .say = host_.say});
  return {};
}

// Puts settings into service, whole, or leaves everything as it is and says why.
std::vector<contract::Problem> Gateway::State::take(std::shared_ptr<const Settings> next) {
  std::set<std::string> known;
  for (const auto& open : sockets_.all()) known.insert(open->name);
  auto tls = std::make_unique<TlsKeeper>(loop_, *next, *this);
  if (tls_) {
    tls->inherit(tls_->tickets());
  } else if (predecessor_) {
    tls->inherit(predecessor_->tickets());
  }
  std::vector<contract::Problem> problems = tls->load();
  std::vector<ListenerPlan> plans = plan_listeners(*next, tls->contexts(), sockets_, problems);
  // All that is wrong is said at once. What is published goes with the new certificates.
  std::swap(tls_, tls);
  std::vector<contract::Problem> more = contract::has_errors(problems)
                                            ? contracts_.check(next)
                                            : contracts_.use(next, beyond_loopback(plans));
  std::ranges::move(more, std::back_inserter(problems));
  if (contract::has_errors(problems)) {
    std::swap(tls_, tls);
    sockets_.keep_only(known);
    return problems;
  }
  tls.reset();  // it refers to the settings from before
  settings_ = std::move(next);
  plans_ = std::move(plans);
  if (running_) tls_->start();
  status_.set_certificates(shown_certificates(*settings_, tls_->contexts()));
  clients_.addresses.set_max(settings_->connections_per_address_max);
  std::set<std::string> planned;
  for (const ListenerPlan& plan : plans_) planned.insert(plan.open->name);
  sockets_.keep_only(planned);
  for (const auto& shard : shards_) shard->listen(plans_);
  watch_files();
  if (auto few = descriptors_short(*settings_, descriptor_limit()))
    problems.push_back(*std::move(few));
  // Loading contracts takes much that is not kept.
  malloc_trim(0);
  return problems;
}

// Reads settings, contracts and certificates again.
void Gateway::State::reload() {
  if (!host_.load) return;
  supervisor_.reloading(loop_.now());
  std::vector<contract::Problem> problems;
  Settings next = host_.load(problems);
  std::set<std::string> files = tls_files(next);
  if (!contract::has_errors(problems)) {
    if (next.threads == 0) next.threads = usable_cores();
    keep_what_must_stay(*settings_, next, problems);
    std::ranges::move(take(std::make_shared<const Settings>(std::move(next))),
                      std::back_inserter(problems));
  }
  const bool taken = !contract::has_errors(problems);
  // A certificate that is repaired is a reason to try again.
  refused_files_ = taken ? std::set<std::string>{} : std::move(files);
  watch_files();
  refused_.clear();
  for (const contract::Problem& problem : problems) {
    if (problem.severity == contract::Problem::Severity::Error)
      refused_.push_back("read again, and refused: " + problem.text());
  }
  host_.complain(std::move(problems));
  host_.say(taken ? "settings and contracts were read again, and are in service"
                  : "settings and contracts were read again, and refused: the old ones stay");
  status_.count_reload(taken);
  update_readiness();
  supervisor_.ready();
}

// New certificates, or new keys for tickets.
void Gateway::State::tls_changed(const TlsContexts& contexts) {
  if (draining_) return;
  for (size_t i = 0; i < std::min(plans_.size(), contexts.listeners.size()); ++i)
    plans_[i].tls = contexts.listeners[i];
  contracts_.use(contexts);
  status_.set_certificates(shown_certificates(*settings_, contexts));
  for (const auto& shard : shards_) {
    shard->listen(plans_);
    shard->publish(contracts_.snapshot(), contexts);
  }
}

void Gateway::State::tls_read(bool taken) {
  status_.count_reload(taken);
  update_readiness();
}

void Gateway::State::watch_files() {
  std::set<std::string> files = host_.files;
  files.merge(contracts_.files());
  files.insert(refused_files_.begin(), refused_files_.end());
  files_.watch(files);
}

int Gateway::State::run() {
  running_ = true;
  tls_->start();
  for (const auto& shard : shards_) shard->start();
  contracts_.start_asking();
  tasks_.spawn(pass_health_on());
  tasks_.spawn(wait_for_stop());
  tasks_.spawn(wait_for_upgrades());
  tasks_.spawn(wait_for_reloads());
  tasks_.spawn(wait_for_file_changes());
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

void Gateway::State::stop() {
  loop_.post([this] {
    stop_asked_ = true;
    signals_.arrived().notify();
  });
}

void Gateway::State::begin_accepting() {
  for (const auto& shard : shards_) shard->begin_accepting();
  supervisor_.ready();
  if (succession_) waiting_for_successor_.spawn(wait_for_successor());
}

void Gateway::State::published() {
  const std::shared_ptr<const Snapshot>& snapshot = contracts_.snapshot();
  contracts_.use(tls_->contexts());
  for (const auto& shard : shards_) shard->publish(snapshot, tls_->contexts());
  if (!contracts_.complete()) return;
  complete_once_ = true;
  if (host_.published) host_.published(*snapshot);
  published_.notify();
}

void Gateway::State::conflicted() {
  update_readiness();
  if (complete_once_ || loop_.now() - started_ > kStartWindow) return;
  exit_status_ = 1;
  stop();
}

void Gateway::State::update_readiness() {
  service::Readiness readiness;
  readiness.draining = draining_;
  readiness.ready = !draining_;
  readiness.problems = refused_;
  if (tls_) std::ranges::move(tls_->problems(), std::back_inserter(readiness.problems));
  contracts_.describe(readiness);
  status_.set_readiness(std::move(readiness));
}

loop::Task<void> Gateway::State::pass_health_on() {
  for (;;) {
    co_await health_.changed().wait();
    for (const auto& shard : shards_) shard->publish(health_.report());
  }
}

// What this process accepts the other one does not see, so it accepts nothing that it could not
// answer yet.
loop::Task<void> Gateway::State::wait_for_contracts() {
  const Instant end = deadline_after(loop_.now(), settings_->upgrade_timeout);
  while (!complete_once_ && loop_.now() < end) co_await http::TimedWait(published_, end);
  const pid_t pid = predecessor_->pid();
  if (!complete_once_) {
    host_.say(fmt::format("not ready after upgrade_timeout ({}): process {} goes on",
                          contracts_.snapshot()->pending(), pid));
    exit_status_ = 1;
    stop();
    co_return;
  }
  begin_accepting();
  if (predecessor_->relieve()) {
    host_.say(fmt::format("took over from process {}", pid));
  } else {
    host_.say(fmt::format("process {} has gone before this one could take over", pid));
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
  succeeded_ = true;
  stop();
}

// SIGUSR2 starts the program again, from the same path: the new process takes over when it is
// ready.
loop::Task<void> Gateway::State::wait_for_upgrades() {
  int upgrades = 0;
  int children = 0;
  for (;;) {
    if (std::exchange(upgrades, signals_.upgrades()) != signals_.upgrades()) {
      if (settings_->upgrade_socket.empty()) {
        host_.say("SIGUSR2: without upgrade_socket there is nothing to take over by");
      } else if (const auto started = start_successor(host_.command); !started) {
        host_.say(started.error().message());
      }
    }
    if (std::exchange(children, signals_.children()) != signals_.children()) {
      for (const std::string& line : reap_successors()) host_.say(line);
    }
    co_await signals_.arrived().wait();
  }
}

loop::Task<void> Gateway::State::wait_for_reloads() {
  int reloads = 0;
  for (;;) {
    if (std::exchange(reloads, signals_.reloads()) != signals_.reloads() && !draining_) reload();
    co_await signals_.arrived().wait();
  }
}

loop::Task<void> Gateway::State::wait_for_file_changes() {
  for (;;) {
    co_await files_.changed();
    if (settings_->reload_on_change && !draining_) reload();
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
  sockets_.keep_only({});
  plans_.clear();
  update_readiness();
  // Where another process has the sockets, or this one has failed, there is nobody to wait for.
  const bool tells = !succeeded_ && exit_status_ == 0;
  for (const auto& shard : shards_) {
    if (!tells) shard->end_admin();
    shard->drain(tells ? settings_->drain_delay : Duration::zero());
  }
  // Joining blocks, and signals still have to be seen: a thread of its own waits.
  joining_ = std::thread([this] {
    for (size_t i = 1; i < shards_.size(); ++i) shards_[i]->join();
    shards_.front()->end_admin();  // which has it
    shards_.front()->join();
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
