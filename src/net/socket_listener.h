#pragma once

#include <memory>

#include <sys/stat.h>

#include "net/descriptor.h"
#include "net/network.h"

namespace parley::net {

// The file that a listening Unix socket has in the file system: removed with the listener, unless
// somebody else has put another in its place.
class SocketFile {
 public:
  SocketFile() = default;
  explicit SocketFile(const Address& address);  // none: not a Unix socket, or an abstract one
  SocketFile(SocketFile&& other) noexcept
      : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();

  // Removes the file of a socket that nobody listens on. Whether it did.
  static bool remove_stale(const Address& address);

 private:
  std::string path_;  // empty: no file
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// A listening socket. Accepts as long as connections wait, with a pause after every
// kAcceptedPerTurn, so that a burst of them does not keep the loop from those it has.
class SocketListener final : public Listener, private loop::Watcher, private loop::Flusher {
 public:
  static constexpr int kAcceptedPerTurn = 64;
  static constexpr Duration kShortagePause = std::chrono::milliseconds(100);

  SocketListener(loop::Loop& loop, Descriptor descriptor, const Address& address, SocketFile file);
  ~SocketListener() override;

  loop::Task<Result<std::unique_ptr<ByteStream>>> accept() override;
  const Address& address() const override { return address_; }
  int descriptor() const override { return descriptor_.get(); }
  uint64_t shortages() const override { return shortages_; }

 private:
  void ready(bool readable, bool writable) override;
  void flush() override;  // a new turn begins

  loop::Loop& loop_;
  Descriptor descriptor_;
  Address address_;
  SocketFile file_;
  loop::Signal changed_;
  bool readable_now_ = false;  // told, and not accepted dry since
  int accepted_this_turn_ = 0;
  uint64_t shortages_ = 0;
};

}  // namespace parley::net
