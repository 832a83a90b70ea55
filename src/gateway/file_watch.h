#pragma once

#include <map>
#include <set>
#include <string>

#include <sys/stat.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "loop/task.h"

namespace parley::gateway {

// Notices that files were written, replaced, removed or made: by inotify on their folders, since
// editors put new files in the place of old ones, and Kubernetes turns a symbolic link. What counts
// is that a file differs, not that something was said about it.
class FileWatch final : private loop::Watcher {
 public:
  explicit FileWatch(loop::Loop& loop);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  ~FileWatch();

  // Watches these, instead of what was watched before.
  void watch(const std::set<std::string>& files);

  // Resolves when one of them differs and no folder has changed for kQuiet.
  loop::Task<void> changed();

  static constexpr Duration kQuiet = std::chrono::milliseconds(100);

 private:
  // What tells one version of a file from another.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;  // -1: there is no such file
    int64_t modified = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  static Stamp stamp_of(const std::string& file);

  void ready(bool readable, bool writable) override;
  void watch_folders();
  bool differs();

  loop::Loop& loop_;
  loop::Signal told_;
  int descriptor_ = -1;
  std::map<std::string, int> folders_;  // and their watches
  std::map<std::string, Stamp> files_;
  bool folders_changed_ = false;  // some were made, moved or removed since
  uint64_t events_ = 0;
  uint64_t seen_ = 0;  // of them
};

}  // namespace parley::gateway
