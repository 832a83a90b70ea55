#include "cli/serve.h"

#include <utility>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/route_table.h"
#include "cli/terminal.h"
#include "gateway/gateway.h"

namespace parley::cli {
namespace {

// What the gateway's user sees: the table and `ready` lines when calls can be answered, one line
// for whatever changes later.
class Console {
 public:
  explicit Console(bool admin) : admin_(admin) {}

  gateway::Events events() {
    return {.say = [](const std::string& line) { complain(line + "\n"); },
            .published = [this](const gateway::Snapshot& snapshot) { published(snapshot); }};
  }

  // The gateway listens: what was published before can be announced.
  void listening(std::vector<std::string> addresses) {
    if (admin_ && !addresses.empty()) addresses.pop_back();
    addresses_ = std::move(addresses);
    listening_ = true;
    if (!table_.empty()) announce();
  }

  bool ready() const { return announced_; }

 private:
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
    std::string text = std::exchange(table_, {});
    for (const std::string& address : addresses_)
      text += fmt::format("ready: {}\n", url_of(address));
    print(text);
    announced_ = true;
  }

  static std::string url_of(const std::string& address) {
    return address.starts_with("unix:") ? address : "http://" + address;
  }

  const bool admin_;
  std::vector<std::string> addresses_;
  std::string table_;  // until it is announced
  bool listening_ = false;
  bool announced_ = false;
};

std::string waiting_for(const gateway::Settings& settings) {
  std::string names;
  for (const gateway::UpstreamSettings& upstream : settings.upstreams) {
    if (!upstream.proto.files.empty() || !upstream.descriptor_set.empty()) continue;
    names += (names.empty() ? "" : ", ") + upstream.connection.name;
  }
  return fmt::format("waiting for the contract of {} by server reflection\n", names);
}

}  // namespace

int serve(gateway::Settings settings) {
  Console console(settings.admin != "off");
  const std::string waiting = waiting_for(settings);
  gateway::Gateway gateway(std::move(settings), console.events());
  const std::vector<contract::Problem> problems = gateway.start();
  complain(text_of(problems));
  if (contract::has_errors(problems)) return kExitProblem;
  console.listening(gateway.addresses());
  if (!console.ready()) complain(waiting);
  return gateway.run();
}

}  // namespace parley::cli
