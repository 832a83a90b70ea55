#include "cli/arguments.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/version.h"
#include "cli/usage.h"
#include "config/nearest.h"

namespace parley::cli {
namespace {

Parsed complaint(std::string_view what, std::string_view hint) {
  return {std::nullopt, fmt::format("parley: {}; {}\n", what, hint), kExitUsage};
}

Parsed help(std::string text) { return {std::nullopt, std::move(text), kExitOk}; }

bool asks_for_help(std::string_view word) { return word == "--help" || word == "-h"; }

// "-I,--include" gives "-I" and "--include".
std::vector<std::string_view> spellings(const Flag& flag) {
  const size_t comma = flag.spelling.find(',');
  if (comma == std::string_view::npos) return {flag.spelling};
  return {flag.spelling.substr(0, comma), flag.spelling.substr(comma + 1)};
}

// A flag that may stand once, and the words that came with it.
struct Single {
  std::string_view name;
  std::optional<std::string>* target;
  std::vector<std::string> words;
};

void add(CLI::App& app, const Flag& flag, Arguments& arguments, std::deque<Single>& singles) {
  const std::string spelling(flag.spelling);
  if (const auto* once = std::get_if<Flag::Once>(&flag.target)) {
    Single& single = singles.emplace_back(spellings(flag).back(), &(arguments.flags.*(*once)));
    app.add_option(spelling, single.words)->allow_extra_args(false);
  } else if (const auto* repeated = std::get_if<Flag::Repeated>(&flag.target)) {
    app.add_option(spelling, arguments.flags.*(*repeated))->allow_extra_args(flag.several);
  } else {
    app.add_flag(spelling, arguments.*std::get<Flag::Switch>(flag.target));
  }
}

Parsed unexpected(const Command& command, std::string_view word) {
  const std::string hint = fmt::format("parley {} --help lists the flags", command.name);
  if (!word.starts_with("-")) return complaint(fmt::format("unexpected `{}`", word), hint);
  const std::string_view name = word.substr(0, word.find('='));
  std::vector<std::string_view> names = {"--help"};
  for (const Flag& flag : flags()) {
    if (takes(*command.verb, flag)) names.push_back(spellings(flag).back());
  }
  const std::string_view near = config::nearest(name, names);
  return complaint(fmt::format("unknown flag `{}`", name),
                   near.empty() ? hint : fmt::format("did you mean `{}`?", near));
}

Parsed misused(const Command& command, std::string_view what) {
  return complaint(what, fmt::format("parley {} --help shows how", command.name));
}

// CLI11 tells by exceptions what it does not understand; none leaves this function.
Parsed parse_flags(const Command& command, std::span<const std::string_view> words) {
  Parsed parsed;
  parsed.arguments.emplace().verb = *command.verb;
  std::deque<Single> singles;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  try {
    for (const Flag& flag : flags()) {
      if (takes(*command.verb, flag)) add(app, flag, *parsed.arguments, singles);
    }
    // CLI11 takes the words from the end of the vector.
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view what = error.what();  // begins with the flag's name
    return misused(command, fmt::format("{} needs a value", what.substr(0, what.find(':'))));
  } catch (const CLI::Error& error) {
    return misused(command, error.what());
  }
  const std::vector<std::string> remaining = app.remaining();
  if (!remaining.empty()) return unexpected(command, remaining.front());
  for (Single& single : singles) {
    if (single.words.size() > 1)
      return misused(command, fmt::format("{} stands there more than once", single.name));
    if (!single.words.empty()) *single.target = std::move(single.words.front());
  }
  return parsed;
}

Parsed parse_help(std::span<const std::string_view> words) {
  if (words.empty()) return help(usage());
  const Command* command = find_command(words.front());
  if (command) return help(usage(*command));
  return complaint(fmt::format("there is no command `{}`", words.front()),
                   "parley --help lists the commands");
}

Parsed unknown_command(std::string_view word) {
  std::vector<std::string_view> names;
  for (const Command& command : commands()) names.push_back(command.name);
  const std::string_view near = config::nearest(word, names);
  return complaint(
      fmt::format("unknown {} `{}`", word.starts_with("-") ? "flag" : "command", word),
      near.empty() ? "parley --help lists the commands" : fmt::format("did you mean `{}`?", near));
}

}  // namespace

Parsed parse(std::span<const std::string_view> words) {
  if (words.empty()) {
    return complaint("no command given",
                     "try `parley serve --upstream 127.0.0.1:50051`, or `parley --help`");
  }
  const std::string_view first = words.front();
  if (asks_for_help(first)) return help(usage());
  if (first == "--version" || first == "-V") return help(fmt::format("parley {}\n", kVersion));
  const Command* command = find_command(first);
  if (!command) return unknown_command(first);
  if (!command->verb) return parse_help(words.subspan(1));
  if (std::ranges::any_of(words, asks_for_help)) return help(usage(*command));
  return parse_flags(*command, words.subspan(1));
}

}  // namespace parley::cli
