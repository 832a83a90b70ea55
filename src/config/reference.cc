#include "config/reference.h"

#include <fmt/format.h>

#include "config/settings_keys.h"

namespace parley::config {

std::string reference() {
  std::string text = "| key | value | default | |\n| --- | --- | --- | --- |\n";
  for (const Row& row : rows_of(settings_keys(), gateway::Settings{}, "")) {
    text += fmt::format("| `{}` | {} | {} | {} |\n", row.key, row.type,
                        row.initial.empty() ? "" : fmt::format("`{}`", row.initial), row.doc);
  }
  return text;
}

}  // namespace parley::config
