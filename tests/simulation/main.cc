// Runs seeds of the simulation. Without --trace it is silent, but for what is wrong.
//
//   simulation --seed 7 --trace        one seed, with all that happens
//   simulation --seeds 1..1000         many; --twice: each has to run the same way again

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <malloc.h>

#include "base/pool.h"
#include "seed_range.h"
#include "simulation/world.h"

#if defined(__has_feature) && __has_feature(address_sanitizer)
#define PARLEY_ADDRESS_SANITIZER 1
#include <sanitizer/allocator_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#else
#define PARLEY_ADDRESS_SANITIZER 0
#endif

namespace parley::simulation {
namespace {

struct Options {
  SeedRange seeds;
  bool trace = false;
  bool twice = false;
};

std::optional<Options> read_arguments(int count, char** arguments) {
  Options options;
  bool chosen = false;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    const std::string_view value = i + 1 < count ? arguments[i + 1] : "";
    if (name == "--trace") {
      options.trace = true;
    } else if (name == "--twice") {
      options.twice = true;
    } else if (options.seeds.read(name, value)) {
      chosen = true;
      ++i;
    } else {
      return std::nullopt;
    }
  }
  if (!chosen || options.seeds.first > options.seeds.last) return std::nullopt;
  return options;
}

// The command that shows what is wrong, also when a sanitizer or an assertion ends the process: at
// its exit, too, when strings are no more.
std::array<char, 512> replay_command;
void set_replay(std::string_view command) {
  const size_t size = std::min(command.size(), replay_command.size() - 1);
  *std::copy_n(command.begin(), size, replay_command.begin()) = '\0';
}
void tell_replay() {
  std::printf("replay it: %s\n", replay_command.data());
  std::fflush(stdout);
}
void tell_replay_of_abort(int) {
  tell_replay();
  std::_Exit(1);
}
void tell_replay_at_crashes() {
  std::signal(SIGABRT, tell_replay_of_abort);
#if PARLEY_ADDRESS_SANITIZER
  __sanitizer_set_death_callback(tell_replay);
#endif
}

Verdict run(uint64_t seed, bool trace) {
  std::function<void(std::string_view)> tell;
  if (trace) tell = [](std::string_view line) { fmt::print("{}\n", line); };
  return World(seed, std::move(tell)).run();
}

// Bytes that nobody has freed. Not counted: what the pool keeps.
size_t bytes_held() {
  pool_release();
#if PARLEY_ADDRESS_SANITIZER
  return __sanitizer_get_current_allocated_bytes();
#else
  return mallinfo2().uordblks;
#endif
}

// Whether there is memory by now that nobody can reach. Looks only where more is held than before,
// for that takes as long as a seed.
bool leaks() {
#if PARLEY_ADDRESS_SANITIZER
  static size_t most = 0;
  const size_t held = bytes_held();
  if (held <= most) return false;
  most = held;
  return __lsan_do_recoverable_leak_check() != 0;
#else
  return false;
#endif
}

// What is wrong with a seed.
std::vector<std::string> look_at(uint64_t seed, const Options& options, Verdict& verdict) {
  verdict = run(seed, options.trace);
  std::vector<std::string> wrong = verdict.violations;
  if (!options.twice) return wrong;
  // By now what a process makes once is there.
  const size_t before = bytes_held();
  const uint64_t hash = run(seed, false).trace_hash;
  const size_t after = bytes_held();
  if (hash != verdict.trace_hash) wrong.push_back("the same seed ran another way");
  if (after != before) wrong.push_back(fmt::format("{} bytes held, then {}", before, after));
  return wrong;
}

int run_all(const Options& options, std::string_view program) {
  uint64_t failed = 0;
  uint64_t calls = 0;
  uint64_t answered = 0;
  uint64_t hash = 0;
  for (uint64_t seed = options.seeds.first; seed <= options.seeds.last; ++seed) {
    Verdict verdict;
    set_replay(fmt::format("{} --seed {} --trace", program, seed));
    auto wrong = look_at(seed, options, verdict);
    const bool leaked = leaks();
    if (leaked) wrong.push_back("memory is lost: see above");
    hash = hash * 31 + verdict.trace_hash;
    calls += verdict.calls;
    answered += verdict.answered;
    if (wrong.empty()) continue;
    ++failed;
    for (const std::string& what : wrong) fmt::print("seed {}: {}\n", seed, what);
    tell_replay();
    if (leaked) return 1;  // every later one would be blamed for it
  }
  set_replay(fmt::format("{} --seeds {}..{}", program, options.seeds.first, options.seeds.last));
  fmt::print("{} seeds, {} failed; {} calls, {} answered; hash {:016x}\n", options.seeds.count(),
             failed, calls, answered, hash);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace parley::simulation

int main(int count, char** arguments) {
  using namespace parley::simulation;  // tidy: allow using_namespace: nothing else is in main
  const auto options = read_arguments(count, arguments);
  if (!options) {
    fmt::print(stderr,
               "usage: {} (--seed N | --seeds FROM..TO) [--trace] [--twice]\n"
               "  --trace  prints all that happens\n"
               "  --twice  runs each seed again, and fails when that ran another way or held\n"
               "           memory\n",
               arguments[0]);
    return 2;
  }
  tell_replay_at_crashes();
  return run_all(*options, arguments[0]);
}
