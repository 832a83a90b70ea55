#include "cli/routes.h"

#include "cli/preview.h"
#include "cli/route_table.h"
#include "cli/terminal.h"

namespace parley::cli {

int print_routes(const gateway::Settings& settings, const Arguments& arguments) {
  const Preview shown = preview(settings);
  complain(text_of(shown.problems));
  const std::vector<RouteRow> rows = route_rows(*shown.snapshot, arguments.all);
  if (arguments.json)
    print(json_lines(rows));
  else if (!rows.empty())
    print(text_table(rows, colours_on_output()));
  return contract::has_errors(shown.problems) ? kExitProblem : kExitOk;
}

}  // namespace parley::cli
