#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/flags.h"

namespace parley::cli {

// How a run ended, for the shell.
inline constexpr int kExitOk = 0;
inline constexpr int kExitProblem = 1;  // what was asked for could not be done
inline constexpr int kExitUsage = 2;    // the command line could not be understood

enum class Verb : uint8_t { Serve, Check, Routes };

struct Arguments {
  Verb verb = Verb::Serve;
  config::Flags flags;
  bool json = false;  // routes
  bool all = false;   // routes: unexposed methods too
};

// Either what to do, or what to print instead: help for standard output, or a complaint for
// standard error.
struct Parsed {
  std::optional<Arguments> arguments;
  std::string text;
  int exit_status = kExitOk;
};

// `words` without the program's name.
Parsed parse(std::span<const std::string_view> words);

}  // namespace parley::cli
