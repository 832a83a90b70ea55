#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>

#include "base/result.h"

namespace parley::net {

// An address that sockets understand: IPv4, IPv6 or a Unix socket's path. An IPv4-mapped IPv6
// address (RFC 4291, 2.5.5.2) becomes the IPv4 address that it is, so that each host has one name.
class Address {
 public:
  Address() = default;
  // Anything but these three families gives an empty address.
  Address(const sockaddr* address, socklen_t size);

  // "127.0.0.1:8080", "[::1]:8080", "unix:/run/x.sock", "unix:@abstract". Names are for the
  // resolver.
  static Result<Address> parse(std::string_view text);
  // "127.0.0.1", "::1", "fe80::1%eth0"; nullopt: a name, or nothing at all.
  static std::optional<Address> from_literal(std::string_view host, uint16_t port);
  static Address loopback(uint16_t port);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  bool is_loopback() const;      // 127.0.0.0/8, ::1, Unix sockets
  uint16_t port() const;         // 0 for a Unix socket
  void set_port(uint16_t port);  // REQUIRES: !is_unix()

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
