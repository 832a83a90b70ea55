#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/byte_stream.h"

namespace parley::net {

// Accepts connections on one address.
class Listener {
 public:
  virtual ~Listener() = default;
  // The next connection. A failure ends the listener; running out of descriptors is waited out and
  // counted.
  virtual loop::Task<Result<std::unique_ptr<ByteStream>>> accept() = 0;
  virtual const Address& address() const = 0;  // with the port that was chosen for port 0
};

struct ListenOptions {
  int backlog = 4096;
  bool reuse_port = true;  // one socket a shard, the kernel spreads the connections
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

std::unique_ptr<Network> make_socket_network(loop::Loop& loop);

// Turns names into addresses.
class Resolver {
 public:
  virtual ~Resolver() = default;
  // Every address of `host` (a name or a literal), each with `port`, in the resolver's order.
  virtual loop::Task<Result<std::vector<Address>>> resolve(std::string host, uint16_t port) = 0;
};

std::unique_ptr<Resolver> make_resolver(loop::Loop& loop);  // c-ares: DNS and /etc/hosts

}  // namespace parley::net
