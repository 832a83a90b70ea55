#include "cli/serve.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "cli/arguments.h"
#include "cli/route_table.h"
#include "cli/source_paths.h"
#include "cli/terminal.h"
#include "config/settings.h"
#include "gateway/gateway.h"

namespace parley::cli {
namespace {

// Of the table; nobody reads thousands, and they would be in the way of the first answer.
constexpr size_t kRowsShown = 200;

// What the gateway's user sees: the table and `ready` lines when calls can be answered, one line
// for whatever changes later.
class Console {
 public:
  Console(const gateway::Settings& settings, const config::Flags& flags)
      : flags_(flags), upstreams_(settings.upstreams), admin_(settings.admin != "off") {
    for (const gateway::ListenerSettings& one : settings.listeners)
      tls_.push_back(!one.tls.certificates.empty());
  }

  gateway::Host host(std::vector<std::string> command) {
    gateway::Host host;
    host.say = [this](const std::string& line) { say(line); };
    host.complain = [this](std::vector<contract::Problem> problems) {
      report(std::move(problems));
    };
    host.published = [this](const gateway::Snapshot& snapshot) { published(snapshot); };
    host.load = [this](std::vector<contract::Problem>& problems) { return load(problems); };
    if (flags_.config) host.files = {*flags_.config};
    host.command = std::move(command);
    return host;
  }

  // Problems with the places where their files are.
  void report(std::vector<contract::Problem> problems) const {
    place_on_disk(problems, upstreams_);
    complain(text_of(problems));
  }

  // The gateway listens: what was published before can be announced. The last address is the admin
  // listener's, if there is one.
  void listening(std::vector<std::string> addresses) {
    if (admin_) {
      ready_ = fmt::format("admin: {}\n", url_of(addresses.back(), false));
      addresses.pop_back();
    }
    for (size_t i = 0; i < addresses.size(); ++i)
      ready_ += fmt::format("ready: {}\n", url_of(addresses[i], tls_[i]));
    listening_ = true;
    if (!table_.empty()) announce();
  }

  bool ready() const { return announced_; }

 private:
  // Until it listens, Gateway::start returns what there is to say.
  void say(const std::string& line) const {
    if (listening_) complain(line + "\n");
  }

  gateway::Settings load(std::vector<contract::Problem>& problems) {
    config::Loaded loaded = config::load(flags_);
    std::ranges::move(loaded.problems, std::back_inserter(problems));
    if (!contract::has_errors(problems)) upstreams_ = loaded.settings.upstreams;
    return std::move(loaded.settings);
  }

  void published(const gateway::Snapshot& snapshot) {
    const std::vector<RouteRow> rows = route_rows(snapshot, false);
    const std::vector<size_t> before = std::exchange(known_, prints_of(rows));
    if (announced_) return say_changes(before);
    const size_t shown = std::min(rows.size(), kRowsShown);
    table_ = text_table(std::span(rows).first(shown), colours_on_output());
    if (shown < rows.size())
      table_ += fmt::format("and {} more: `parley routes` prints all\n", rows.size() - shown);
    if (listening_) announce();
  }

  // Each row by its hash, in order: of thousands the texts would be too much to keep.
  static std::vector<size_t> prints_of(std::span<const RouteRow> rows) {
    std::vector<size_t> prints;
    prints.reserve(rows.size());
    for (const RouteRow& row : rows) {
      prints.push_back(std::hash<std::string>{}(
          fmt::format("{} {} {} {} {}", row.verb, row.path, row.method, row.upstream, row.rest)));
    }
    std::ranges::sort(prints);
    return prints;
  }

  void say_changes(std::span<const size_t> before) const {
    std::vector<size_t> fresh;
    std::vector<size_t> gone;
    std::ranges::set_difference(known_, before, std::back_inserter(fresh));
    std::ranges::set_difference(before, known_, std::back_inserter(gone));
    if (fresh.empty() && gone.empty()) return;
    print(fmt::format("routes changed: {} new, {} gone, {} in all\n", fresh.size(), gone.size(),
                      known_.size()));
  }

  void announce() {
    print(std::exchange(table_, {}) + ready_);
    announced_ = true;
  }

  static std::string url_of(const std::string& address, bool tls) {
    if (address.starts_with("unix:")) return address;
    return (tls ? "https://" : "http://") + address;
  }

  const config::Flags& flags_;
  std::vector<gateway::UpstreamSettings> upstreams_;
  const bool admin_;
  std::vector<bool> tls_;      // by listener
  std::string ready_;          // where to connect
  std::string table_;          // until it is announced
  std::vector<size_t> known_;  // prints of the routes in service
  bool listening_ = false;
  bool announced_ = false;
};

// Each connection takes a descriptor, and shells allow few until they are asked.
void allow_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::string waiting_for(const gateway::Settings& settings) {
  std::string names;
  for (const gateway::UpstreamSettings& upstream : settings.upstreams) {
    if (!upstream.proto.files.empty() || !upstream.descriptor_set.empty()) continue;
    names += (names.empty() ? "" : ", ") + upstream.connection.name;
  }
  return fmt::format("waiting for the contract of {} by server reflection\n", names);
}

}  // namespace

int serve(gateway::Settings settings, const config::Flags& flags,
          std::vector<std::string> command) {
  allow_descriptors();
  Console console(settings, flags);
  const std::string waiting = waiting_for(settings);
  gateway::Gateway gateway(std::move(settings), console.host(std::move(command)));
  std::vector<contract::Problem> problems = gateway.start();
  const bool failed = contract::has_errors(problems);
  console.report(std::move(problems));
  if (failed) return kExitProblem;
  console.listening(gateway.addresses());
  if (!console.ready()) complain(waiting);
  return gateway.run();
}

}  // namespace parley::cli
