#include "gateway/successor.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/net_failure.h"

namespace parley::gateway {

Result<void> start_successor(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  if (command.empty()) return Failure(Reason::InternalError, "no command to start again");
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, words[0], nullptr, &attributes, words.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return {};
  return Failure(Reason::InternalError,
                 fmt::format("cannot start {}: {}", command[0], net::error_text(error)));
}

std::vector<std::string> reap_successors() {
  std::vector<std::string> lines;
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    lines.push_back(WIFSIGNALED(status)
                        ? fmt::format("process {} was ended by signal {}", pid, WTERMSIG(status))
                        : fmt::format("process {} ended with status {}", pid, WEXITSTATUS(status)));
  }
  return lines;
}

}  // namespace parley::gateway
