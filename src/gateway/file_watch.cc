#include "gateway/file_watch.h"

#include <array>
#include <filesystem>
#include <utility>

#include <sys/inotify.h>
#include <unistd.h>

namespace parley::gateway {
namespace {

// Events after which a folder may be another one than before.
constexpr uint32_t kFolderEvents = IN_ISDIR | IN_MOVE_SELF | IN_IGNORED | IN_Q_OVERFLOW;
constexpr uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MOVE_SELF;

std::string folder_of(const std::filesystem::path& file) {
  const std::string folder = file.parent_path().string();
  return folder.empty() ? "." : folder;
}

// The folder, or while there is none the next one above: it is there that it will be made.
std::string folder_that_is_there(const std::string& folder) {
  std::filesystem::path path = folder;
  std::error_code ignored;
  while (!std::filesystem::is_directory(path, ignored) && path.has_relative_path())
    path = folder_of(path);
  return path.string();
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
  for (const std::string& file : files) {
    // Who knows a file has read it since: what has changed meanwhile still differs.
    files_.try_emplace(file, stamp_of(file));
  }
  watch_folders();
}

void FileWatch::watch_folders() {
  folders_changed_ = false;
  std::set<std::string> folders;
  for (const auto& [file, stamp] : files_) {
    folders.insert(folder_that_is_there(folder_of(file)));
    std::error_code ignored;
    const auto real = std::filesystem::canonical(file, ignored);
    if (!ignored) folders.insert(folder_of(real));
  }
  std::map<std::string, int> before = std::exchange(folders_, {});
  for (const std::string& folder : folders) {
    // Again for those that are watched: one may have been replaced.
    const int watch = inotify_add_watch(descriptor_, folder.c_str(), kEvents);
    if (watch >= 0) folders_[folder] = watch;
  }
  // Two names may be of one folder, which has one watch.
  std::set<int> kept;
  for (const auto& [folder, watch] : folders_) kept.insert(watch);
  for (const auto& [folder, watch] : before) {
    if (!kept.contains(watch)) inotify_rm_watch(descriptor_, watch);
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
    if (folders_changed_) watch_folders();
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
  for (ssize_t size; (size = read(descriptor_, buffer.data(), buffer.size())) > 0; ++events_) {
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      folders_changed_ = folders_changed_ || (event->mask & kFolderEvents) != 0;
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
  told_.notify();
}

}  // namespace parley::gateway
