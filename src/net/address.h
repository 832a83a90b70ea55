#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/socket.h>

#include "base/result.h"

namespace parley::net {

// An address that sockets understand: IPv4, IPv6 or a Unix socket's path.
class Address {
 public:
  Address() = default;
  Address(const sockaddr* address, socklen_t size);

  // "127.0.0.1:8080", "[::1]:8080", "unix:/run/x.sock", "unix:@abstract". Names are for the
  // resolver.
  static Result<Address> parse(std::string_view text);
  static Address loopback(uint16_t port);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  bool is_loopback() const;  // 127.0.0.0/8, ::1, Unix sockets
  uint16_t port() const;     // 0 for a Unix socket

  std::string text() const;       // as `parse` takes it
  std::string host_text() const;  // without the port

  friend bool operator==(const Address& a, const Address& b);

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

// "host:port" taken apart: "[::1]:80" gives "::1" and 80. Failure names what is missing.
struct HostPort {
  std::string host;
  uint16_t port = 0;
};
Result<HostPort> split_host_port(std::string_view text);

}  // namespace parley::net
