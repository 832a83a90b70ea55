#include "net/address.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/assert.h"

namespace parley::net {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);

// Copies instead of casts: the storage has no declared type but sockaddr_storage.
template <typename Sockaddr>
Sockaddr as(const sockaddr* address) {
  Sockaddr result;
  std::memcpy(&result, address, sizeof result);
  return result;
}

template <typename Sockaddr>
Address make(const Sockaddr& address) {
  return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

Failure wrong(std::string message) { return {Code::InvalidArgument, std::move(message)}; }

Result<Address> parse_unix(std::string_view path) {
  sockaddr_un address{};
  if (path.empty() || path == "@") return wrong("a Unix socket's address lacks its path");
  // A path ends with a zero byte, an abstract name (unix(7)) begins with one.
  const bool abstract = path.front() == '@';
  const size_t size = path.size() + (abstract ? 0 : 1);
  if (size > sizeof address.sun_path) {
    return wrong(fmt::format("the Unix socket's path \"{}\" has more than {} bytes", path,
                             sizeof address.sun_path - 1));
  }
  if (path.find('\0') != std::string_view::npos)
    return wrong("a Unix socket's path contains a zero byte");
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (abstract) address.sun_path[0] = '\0';
  return Address(reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(kPathOffset + size));
}

// The number of an interface after "%", which link-local addresses need (RFC 4007, 11); 0: none
// such.
uint32_t scope_of(const std::string& name) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size()) return number;
  return if_nametoindex(name.c_str());
}

}  // namespace

Address::Address(const sockaddr* address, socklen_t size) {
  const auto take = [&](socklen_t length) {
    size_ = std::min<socklen_t>(length, sizeof storage_);
    std::memcpy(&storage_, address, size_);
  };
  if (size >= sizeof(sockaddr_in) && address->sa_family == AF_INET) {
    take(sizeof(sockaddr_in));
  } else if (size >= sizeof(sockaddr_in6) && address->sa_family == AF_INET6) {
    const auto v6 = as<sockaddr_in6>(address);
    if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      take(sizeof(sockaddr_in6));
      return;
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = v6.sin6_port;
    std::memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, sizeof v4.sin_addr);
    *this = make(v4);
  } else if (size >= kPathOffset && address->sa_family == AF_UNIX) {
    take(size);
  }
}

Result<Address> Address::parse(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) return parse_unix(text.substr(kUnixPrefix.size()));
  TRY(parts, split_host_port(text));
  std::optional<Address> address = from_literal(parts.host, parts.port);
  if (!address) return wrong(fmt::format("\"{}\" is not an IP address", parts.host));
  return *address;
}

std::optional<Address> Address::from_literal(std::string_view host, uint16_t port) {
  // The C functions below would stop there, and take what stands before it.
  if (host.find('\0') != std::string_view::npos) return std::nullopt;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (inet_pton(AF_INET, std::string(host).c_str(), &v4.sin_addr) == 1) return make(v4);

  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  const size_t percent = host.find('%');
  if (percent != std::string_view::npos) {
    v6.sin6_scope_id = scope_of(std::string(host.substr(percent + 1)));
    if (v6.sin6_scope_id == 0) return std::nullopt;
  }
  if (inet_pton(AF_INET6, std::string(host.substr(0, percent)).c_str(), &v6.sin6_addr) == 1)
    return make(v6);
  return std::nullopt;
}

Address Address::loopback(uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return make(v4);
}

bool Address::is_loopback() const {
  if (family() == AF_INET) return ntohl(as<sockaddr_in>(get()).sin_addr.s_addr) >> 24 == 127;
  if (family() == AF_INET6) {
    const auto v6 = as<sockaddr_in6>(get());
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
  }
  return is_unix();
}

uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(as<sockaddr_in>(get()).sin_port);
  if (family() == AF_INET6) return ntohs(as<sockaddr_in6>(get()).sin6_port);
  return 0;
}

void Address::set_port(uint16_t port) {
  // Both families have their port in the same place.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  PARLEY_ASSERT(family() == AF_INET || family() == AF_INET6);
  const uint16_t wire = htons(port);
  std::memcpy(reinterpret_cast<char*>(&storage_) + offsetof(sockaddr_in, sin_port), &wire,
              sizeof wire);
}

std::string Address::text() const {
  if (family() == AF_INET) return fmt::format("{}:{}", host_text(), port());
  if (family() == AF_INET6) return fmt::format("[{}]:{}", host_text(), port());
  return is_unix() ? host_text() : "";
}

std::string Address::host_text() const {
  char buffer[INET6_ADDRSTRLEN];
  if (family() == AF_INET) {
    // Asked for every request: inet_ntop is a printf.
    const uint32_t v4 = ntohl(as<sockaddr_in>(get()).sin_addr.s_addr);
    return fmt::format("{}.{}.{}.{}", v4 >> 24, v4 >> 16 & 255, v4 >> 8 & 255, v4 & 255);
  }
  if (family() == AF_INET6) {
    const auto v6 = as<sockaddr_in6>(get());
    std::string host = inet_ntop(AF_INET6, &v6.sin6_addr, buffer, sizeof buffer);
    if (v6.sin6_scope_id != 0) host += fmt::format("%{}", v6.sin6_scope_id);
    return host;
  }
  if (!is_unix()) return "";
  std::string path(reinterpret_cast<const char*>(&storage_) + kPathOffset, size_ - kPathOffset);
  if (!path.empty() && path.front() == '\0') {
    path.front() = '@';
  } else {
    path.resize(std::strlen(path.c_str()));
  }
  return std::string(kUnixPrefix) + path;
}

bool operator==(const Address& a, const Address& b) {
  if (a.family() != b.family()) return false;
  if (a.family() == AF_INET6) {
    const auto x = as<sockaddr_in6>(a.get());
    const auto y = as<sockaddr_in6>(b.get());
    return IN6_ARE_ADDR_EQUAL(&x.sin6_addr, &y.sin6_addr) && x.sin6_port == y.sin6_port &&
           x.sin6_scope_id == y.sin6_scope_id;
  }
  if (a.family() == AF_INET) {
    const auto x = as<sockaddr_in>(a.get());
    const auto y = as<sockaddr_in>(b.get());
    return x.sin_addr.s_addr == y.sin_addr.s_addr && x.sin_port == y.sin_port;
  }
  return a.text() == b.text();
}

Result<HostPort> split_host_port(std::string_view text) {
  std::string_view host;
  std::string_view after;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos)
      return wrong(fmt::format("\"{}\" lacks the closing bracket", text));
    host = text.substr(1, close - 1);
    after = text.substr(close + 1);
  } else {
    const size_t colon = text.find(':');
    host = text.substr(0, colon);
    after = text.substr(host.size());
    if (after.find(':', 1) != std::string_view::npos) {
      return wrong(fmt::format(
          "\"{}\" has several colons: an IPv6 address stands in brackets, as in [::1]:80", text));
    }
  }
  if (host.empty()) return wrong(fmt::format("\"{}\" lacks a host", text));
  if (after.size() < 2 || after.front() != ':')
    return wrong(fmt::format("\"{}\" lacks a port, as in {}:80", text,
                             text.starts_with('[') ? fmt::format("[{}]", host) : host));
  const std::string_view digits = after.substr(1);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return wrong(fmt::format("\"{}\" is not a port: a number from 0 to 65535 is expected", digits));
  }
  return HostPort{.host = std::string(host), .port = port};
}

}  // namespace parley::net
