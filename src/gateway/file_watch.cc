#include "gateway/file_watch.h"

#include <array>
#include <filesystem>

#include <sys/inotify.h>
#include <unistd.h>

namespace parley::gateway {
namespace {

constexpr uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB;

std::string folder_of(const std::filesystem::path& file) {
  const std::string folder = file.parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

FileWatch::FileWatch(loop::Loop& loop)
    : loop_(loop), told_(loop), descriptor_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  // Without inotify (its instances are limited) SIGHUP is still there.
  if (descriptor_ >= 0) loop_.poller().add(descriptor_, *this);
}

FileWatch::~FileWatch() {
  if (descriptor_ < 0) return;
  loop_.poller().remove(descriptor_, *this);
  close(descriptor_);
}

void FileWatch::watch(const std::set<std::string>& files) {
  std::erase_if(files_, [&](const auto& known) { return !files.contains(known.first); });
  std::set<std::string> folders;
  for (const std::string& file : files) {
    // Who knows a file has read it since: what has changed meanwhile still differs.
    files_.try_emplace(file, stamp_of(file));
    folders.insert(folder_of(file));
    std::error_code ignored;
    const auto real = std::filesystem::canonical(file, ignored);
    if (!ignored) folders.insert(folder_of(real));
  }
  std::erase_if(folders_, [&](const auto& folder) {
    if (folders.contains(folder.first)) return false;
    inotify_rm_watch(descriptor_, folder.second);
    return true;
  });
  for (const std::string& folder : folders) {
    // Again for those that are watched: one may have been replaced.
    const int watch = inotify_add_watch(descriptor_, folder.c_str(), kEvents);
    if (watch >= 0) folders_[folder] = watch;
  }
}

FileWatch::Stamp FileWatch::stamp_of(const std::string& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size,
          int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

loop::Task<void> FileWatch::changed() {
  for (;;) {
    while (seen_ == events_) co_await told_.wait();
    do {
      seen_ = events_;
      co_await loop::sleep_for(loop_, kQuiet);
    } while (seen_ != events_);
    if (differs()) co_return;
  }
}

bool FileWatch::differs() {
  bool any = false;
  for (auto& [file, stamp] : files_) {
    const Stamp now = stamp_of(file);
    any = any || !(now == stamp);
    stamp = now;
  }
  return any;
}

void FileWatch::ready(bool, bool) {
  alignas(inotify_event) std::array<char, 4096> buffer;
  while (read(descriptor_, buffer.data(), buffer.size()) > 0) ++events_;
  told_.notify();
}

}  // namespace parley::gateway
