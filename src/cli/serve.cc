#include "cli/serve.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "cli/arguments.h"
#include "cli/route_table.h"
#include "cli/source_paths.h"
#include "cli/terminal.h"
#include "gateway/gateway.h"

namespace parley::cli {
namespace {

// What the gateway's user sees: the table and `ready` lines when calls can be answered, one line
// for whatever changes later.
class Console {
 public:
  explicit Console(const gateway::Settings& settings) : admin_(settings.admin != "off") {
    for (const gateway::ListenerSettings& one : settings.listeners)
      tls_.push_back(!one.tls.certificates.empty());
  }

  gateway::Host host(std::vector<std::string> command) {
    return {.say = [this](const std::string& line) { say(line); },
            .published = [this](const gateway::Snapshot& snapshot) { published(snapshot); },
            .command = std::move(command)};
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

  void published(const gateway::Snapshot& snapshot) {
    const std::vector<RouteRow> rows = route_rows(snapshot, false);
    if (announced_) {
      print(fmt::format("contracts changed: {} routes\n", rows.size()));
      return;
    }
    table_ = text_table(rows, colours_on_output());
    if (listening_) announce();
  }

  void announce() {
    print(std::exchange(table_, {}) + ready_);
    announced_ = true;
  }

  static std::string url_of(const std::string& address, bool tls) {
    if (address.starts_with("unix:")) return address;
    return (tls ? "https://" : "http://") + address;
  }

  const bool admin_;
  std::vector<bool> tls_;  // by listener
  std::string ready_;      // where to connect
  std::string table_;      // until it is announced
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

int serve(gateway::Settings settings, std::vector<std::string> command) {
  allow_descriptors();
  Console console(settings);
  const std::string waiting = waiting_for(settings);
  const std::vector<gateway::UpstreamSettings> upstreams = settings.upstreams;
  gateway::Gateway gateway(std::move(settings), console.host(std::move(command)));
  std::vector<contract::Problem> problems = gateway.start();
  place_on_disk(problems, upstreams);
  complain(text_of(problems));
  if (contract::has_errors(problems)) return kExitProblem;
  console.listening(gateway.addresses());
  if (!console.ready()) complain(waiting);
  return gateway.run();
}

}  // namespace parley::cli
