#pragma once

#include <string>
#include <utility>

#include <sys/stat.h>

#include "net/address.h"
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
  SocketFile& operator=(SocketFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    return *this;
  }
  ~SocketFile();

  // Whether there is a file to remove.
  bool owned() const { return !path_.empty(); }
  // Leaves the file to another process that has the socket too.
  void release() { path_.clear(); }

  // Removes the file of a socket that nobody listens on. Whether it did.
  static bool remove_stale(const Address& address);

 private:
  std::string path_;  // empty: no file
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// A socket that listens and that no loop accepts from: made by this process or handed over by
// another one. Loops share its descriptor (ListenOptions::shared_descriptor).
struct ListeningSocket {
  Descriptor descriptor;
  Address address;  // as it is bound, with the port that was chosen for port 0
  SocketFile file;
};

// Failure's message names the address and the cause. `options.shared_descriptor` does not count.
Result<ListeningSocket> open_listening_socket(const Address& address, const ListenOptions& options,
                                              const SocketOptions& socket_options = {});

// The address, its port chosen if it was 0, when nobody listens there; else the failure of
// listening. Asks without listening: else clients that connect meanwhile would be reset.
Result<Address> find_free_address(const Address& address);

// The address that a socket is bound to; an empty one if it has none that is known here.
Address bound_address(int descriptor);
// Whether a socket lets others be bound to its address (SO_REUSEPORT).
bool shares_port(int descriptor);

}  // namespace parley::net
