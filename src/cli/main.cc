#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/arguments.h"
#include "cli/check.h"
#include "cli/routes.h"
#include "cli/serve.h"
#include "cli/terminal.h"
#include "config/settings.h"

namespace parley::cli {
namespace {

int run(const Arguments& arguments, std::vector<std::string> command) {
  config::Loaded config = config::load(arguments.flags);
  if (arguments.verb == Verb::Check) return check(std::move(config));
  complain(text_of(config.problems));
  if (contract::has_errors(config.problems)) return config.flags_only ? kExitUsage : kExitProblem;
  if (arguments.verb == Verb::Routes) return print_routes(config.settings, arguments);
  return serve(std::move(config.settings), arguments.flags, std::move(command));
}

}  // namespace
}  // namespace parley::cli

int main(int argc, char** argv) {
  using namespace parley::cli;  // tidy: allow using_namespace: the program's own
  const std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  const Parsed parsed = parse(words);
  if (parsed.arguments) return run(*parsed.arguments, {argv, argv + argc});
  (parsed.exit_status == kExitOk ? print : complain)(parsed.text);
  return parsed.exit_status;
}
