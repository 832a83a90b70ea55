#include "service/process_stats.h"

#include <array>
#include <charconv>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace parley::service {
namespace {

// What a small file of /proc says; empty when it cannot be read.
std::string read_small_file(const char* path) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t size; (size = ::read(file, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<size_t>(size));
  ::close(file);
  return text;
}

// The number at the front of `text`, after spaces.
std::optional<uint64_t> number_in(std::string_view text) {
  const size_t start = text.find_first_not_of(' ');
  if (start == std::string_view::npos) return std::nullopt;
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data() + start, end, number).ec != std::errc()) return std::nullopt;
  return number;
}

// Field `index` of a line of fields, counted from 0.
std::string_view field_of(std::string_view line, size_t index) {
  for (; index > 0; --index) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return line;
}

// proc(5), /proc/[pid]/stat: fields after the name, which ends with the last ')': "state" is the
// third of the file and has index 0 here.
void read_stat(observe::ProcessStats& stats) {
  constexpr size_t kUserTicks = 11;
  constexpr size_t kSystemTicks = 12;
  constexpr size_t kStartTicks = 19;
  constexpr size_t kVirtualBytes = 20;
  constexpr size_t kResidentPages = 21;
  const std::string text = read_small_file("/proc/self/stat");
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 2 > text.size()) return;
  const std::string_view line = std::string_view(text).substr(name_end + 2);
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto user = number_in(field_of(line, kUserTicks));
  const auto system = number_in(field_of(line, kSystemTicks));
  if (user && system) stats.cpu_seconds = static_cast<double>(*user + *system) / ticks;
  stats.virtual_bytes = number_in(field_of(line, kVirtualBytes));
  if (const auto pages = number_in(field_of(line, kResidentPages)))
    stats.resident_bytes = *pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));

  // proc(5), /proc/stat: "btime" is the boot, in seconds since the epoch.
  const std::string system_stat = read_small_file("/proc/stat");
  const size_t boot_at = system_stat.find("\nbtime ");
  if (boot_at == std::string::npos) return;
  const auto boot = number_in(std::string_view(system_stat).substr(boot_at + 7));
  const auto start = number_in(field_of(line, kStartTicks));
  if (boot && start)
    stats.start_time_seconds = static_cast<double>(*boot) + static_cast<double>(*start) / ticks;
}

std::optional<uint64_t> count_open_fds() {
  DIR* const folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return std::nullopt;
  uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder))
    if (entry->d_name[0] != '.') ++count;
  ::closedir(folder);
  return count - 1;  // the folder's own
}

}  // namespace

observe::ProcessStats read_process_stats(std::string_view version) {
  observe::ProcessStats stats{.version = version};
  read_stat(stats);
  stats.open_fds = count_open_fds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = limit.rlim_cur;
  return stats;
}

}  // namespace parley::service
