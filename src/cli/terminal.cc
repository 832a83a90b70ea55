#include "cli/terminal.h"

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

namespace parley::cli {
namespace {

void write_to(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

std::string coloured(Colour colour, std::string_view text, bool wanted) {
  if (!wanted) return std::string(text);
  const int code = colour == Colour::Bold ? 1 : 2;
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

bool colours_on_output() {
  return isatty(STDOUT_FILENO) == 1 && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
}

void print(std::string_view text) { write_to(stdout, text); }
void complain(std::string_view text) { write_to(stderr, text); }

std::string text_of(std::span<const contract::Problem> problems) {
  std::string text;
  for (const contract::Problem& problem : problems) {
    if (problem.severity == contract::Problem::Severity::Warning) {
      contract::Problem warning = problem;
      warning.what = "warning: " + warning.what;
      text += warning.text() + "\n";
    } else {
      text += problem.text() + "\n";
    }
  }
  return text;
}

}  // namespace parley::cli
