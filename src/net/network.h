#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/byte_stream.h"

namespace parley::net {

// Times that accepting had to wait for want of descriptors or memory.
struct Shortage {
  uint64_t pauses = 0;
  int error = 0;  // the errno of the last one
};

// Accepts connections on one address.
class Listener {
 public:
  virtual ~Listener() = default;
  // The next connection. A failure ends the listener; running out of descriptors is waited out and
  // counted.
  virtual loop::Task<Result<std::unique_ptr<ByteStream>>> accept() = 0;
  virtual const Address& address() const = 0;    // with the port that was chosen for port 0
  virtual int descriptor() const { return -1; }  // -1: a fake's
  virtual Shortage shortage() const { return {}; }
};

struct ListenOptions {
  int backlog = 4096;
  // One socket a shard, the kernel spreads the connections. Another process of the same user may
  // then listen on the address as well; a listener without it, made and dropped before, finds out.
  bool reuse_port = true;
  // A socket that listens already, another shard's or another process's: the listener shares it
  // (its own copy of the descriptor) and makes none. How shards listen on one Unix socket.
  int shared_descriptor = -1;
  // Of the descriptors that the process may have open (RLIMIT_NOFILE), so many are not for what is
  // accepted here: others need them. A connection beyond waits until there is one.
  uint64_t descriptors_kept = 0;
};

// Where connections come from and go to: the operating system's, or a fake one in memory.
class Network {
 public:
  virtual ~Network() = default;
  // Failure's message names the address and the cause ("address already in use").
  virtual Result<std::unique_ptr<Listener>> listen(const Address& address,
                                                   const ListenOptions& options) = 0;
  virtual loop::Task<Result<std::unique_ptr<ByteStream>>> connect(Address address) = 0;
};

// Of the operating system's connections.
struct SocketOptions {
  // After this long without an acknowledgement of what we sent, a connection that we opened is dead
  // (RFC 5482). Also the limit for a peer that takes nothing.
  Duration unacknowledged_max = std::chrono::seconds(30);
  // A silent connection is probed after this long, so that a vanished peer does not stay for ever.
  Duration keepalive = std::chrono::seconds(120);
};

// TCP and Unix sockets. A listener on a Unix socket's path takes the place of a socket file that
// nobody listens on any more, and removes its own when it is destroyed.
std::unique_ptr<Network> make_socket_network(loop::Loop& loop, const SocketOptions& options = {});

// Turns names into addresses.
class Resolver {
 public:
  virtual ~Resolver() = default;
  // Every address of `host` (a name or a literal), each with `port`, in the resolver's order.
  virtual loop::Task<Result<std::vector<Address>>> resolve(std::string host, uint16_t port) = 0;
};

struct ResolverOptions {
  std::vector<Address> servers;                // empty: those of /etc/resolv.conf
  Duration timeout = std::chrono::seconds(2);  // of the first try; later ones wait longer
  int tries = 3;                               // of each server
};

// DNS and /etc/hosts, by c-ares. Literals and `localhost` (RFC 6761, 6.3) ask nobody.
std::unique_ptr<Resolver> make_resolver(loop::Loop& loop, const ResolverOptions& options = {});

}  // namespace parley::net
