#include "cli/check.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/preview.h"
#include "cli/terminal.h"

namespace parley::cli {
namespace {

std::string counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

int check(config::Loaded config) {
  std::vector<contract::Problem> problems = std::move(config.problems);
  Preview shown;
  std::vector<contract::Problem> more;
  if (contract::has_errors(problems)) {
    more = problems_on_disk(config.settings);
  } else {
    shown = preview(config.settings);
    more = std::move(shown.problems);
  }
  std::ranges::move(more, std::back_inserter(problems));
  complain(text_of(problems));
  if (contract::has_errors(problems)) return kExitProblem;
  print(fmt::format("ok: {}, {}, {}\n", counted(config.settings.upstreams.size(), "upstream"),
                    counted(shown.snapshot->exposed().size(), "exposed method"),
                    counted(shown.snapshot->router().routes().size(), "REST route")));
  return kExitOk;
}

}  // namespace parley::cli
