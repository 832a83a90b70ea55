#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "cli/serve.h"
#include "cli/terminal.h"
#include "config/settings.h"

namespace parley::cli {
namespace {

int run(const Arguments& arguments) {
  config::Loaded config = config::load(arguments.flags);
  complain(text_of(config.problems));
  if (contract::has_errors(config.problems)) return kExitUsage;
  switch (arguments.verb) {
    case Verb::Serve: return serve(std::move(config.settings));
    case Verb::Check:
    case Verb::Routes: break;
  }
  return kExitProblem;
}

}  // namespace
}  // namespace parley::cli

int main(int argc, char** argv) {
  using namespace parley::cli;
  const Parsed parsed = parse(std::vector<std::string_view>(argv + std::min(argc, 1), argv + argc));
  if (parsed.arguments) return run(*parsed.arguments);
  (parsed.exit_status == kExitOk ? print : complain)(parsed.text);
  return parsed.exit_status;
}
