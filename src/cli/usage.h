#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "cli/arguments.h"

namespace parley::cli {

// One command of `parley`.
struct Command {
  std::string_view name;
  std::string_view does;  // begins with a verb; no full stop
  std::optional<Verb> verb;
};
std::span<const Command> commands();
const Command* find_command(std::string_view name);

// One flag: how it is written and where its words go. Drives parsing, `--help` and
// docs/reference/cli.md.
struct Flag {
  std::string_view spelling;  // as CLI11 has it: "-I,--include"
  std::string_view argument;  // "ADDRESS"; empty: the flag takes none
  std::string_view doc;       // sentences
  using Once = std::optional<std::string> config::Flags::*;
  using Repeated = std::vector<std::string> config::Flags::*;
  using Switch = bool Arguments::*;
  std::variant<Once, Repeated, Switch> target;
  bool several = false;           // takes more than one word at once
  std::optional<Verb> only = {};  // of one command
};
std::span<const Flag> flags();
bool takes(Verb verb, const Flag& flag);

std::string usage();  // of the program
std::string usage(const Command& command);
std::string reference();  // docs/reference/cli.md

}  // namespace parley::cli
