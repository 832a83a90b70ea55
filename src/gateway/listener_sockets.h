#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/listening_socket.h"

namespace parley::gateway {

// The sockets of one listener: one a shard where that can be. They stay open as long as somebody
// refers to this; closing one resets the connections that wait in its queue.
struct OpenListener {
  std::string name;  // among all listeners: its address as the settings have it, or more
  net::Address address;
  std::vector<net::ListeningSocket> sockets;
  bool takes_file = false;  // from the process that it comes from, once that leaves

  // The sockets that shard `index` of `shards` accepts from, so that each socket has a shard and
  // each shard a socket.
  std::vector<int> descriptors_of(size_t index, size_t shards) const;
};

// A listening socket from outside: of the process that this one takes over from, or of systemd.
struct GivenSocket {
  std::string name;  // of its listener; empty: it is known by its address alone
  net::ListeningSocket socket;
  bool takes_file = false;
};

// The listening sockets of the process. Shards share their descriptors. On the control thread.
class ListenerSockets {
 public:
  void take(std::vector<GivenSocket> given);

  // Gives the listener that is open under this name, or opens one, with `count` sockets if it can
  // choose: with those that were given, if some fit.
  Result<std::shared_ptr<const OpenListener>> open(const std::string& name,
                                                   const std::string& address, size_t count);
  // Forgets all other listeners; their sockets close when nobody refers to them any more.
  void keep_only(const std::set<std::string>& names);

  const std::vector<std::shared_ptr<OpenListener>>& all() const { return listeners_; }
  // Given sockets that no listener has taken, by address. They are closed.
  std::vector<std::string> drop_unclaimed();
  // The files of Unix sockets change hands: to the process that takes over, from the one that
  // leaves. Those of given sockets that no listener has taken are removed.
  void release_files();
  void take_files();

 private:
  void claim(const net::Address& address, OpenListener& listener);
  bool shares_port_of_ours(const net::Address& address) const;

  std::vector<GivenSocket> given_;
  std::vector<net::Address> unclaimed_files_;
  std::vector<std::shared_ptr<OpenListener>> listeners_;
};

// The sockets that systemd passes on (sd_listen_fds(3)): LISTEN_FDS, from descriptor 3 on, if
// LISTEN_PID is this process. Failures name a descriptor that is no listening stream socket.
// REQUIRES: this process has opened no descriptor yet, which would be taken for a passed one.
Result<std::vector<GivenSocket>> sockets_of_environment();

}  // namespace parley::gateway
