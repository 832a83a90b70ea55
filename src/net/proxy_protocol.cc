#include "net/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <netinet/in.h>

#include "loop/combine.h"
#include "net/put_back.h"

// Version 1, a line of at most 107 bytes:
//
//   "PROXY" SP ( "TCP4" / "TCP6" ) SP source SP destination SP port SP port CRLF
//   "PROXY" SP "UNKNOWN" *any CRLF
//
// Version 2: 12 bytes of signature, then
//
//   version 2 and command (0 LOCAL, 1 PROXY)   4 bits each
//   family (1 IPv4, 2 IPv6, 3 Unix) and kind   4 bits each
//   length of what follows                     2 bytes
//   source, destination, ports; then extensions, which are not looked at

namespace parley::net {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kSignature1 = "PROXY "sv;
constexpr std::string_view kSignature2 = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr size_t kLineBytesMax = 107;
constexpr size_t kFixedBytes2 = 16;
constexpr int kStream = 1;
constexpr int kDatagram = 2;

using Parsed = Result<std::optional<ProxyHeader>>;

Failure malformed(std::string_view what) {
  return Failure(Code::InvalidArgument, fmt::format("the PROXY header is not valid: {}", what))
      .with_detail("malformed")
      .take();
}

Failure too_long() {
  return malformed(fmt::format("it has more than {} bytes", kProxyHeaderBytesMax))
      .with_limit("fixed.proxy_header_bytes_max")
      .take();
}

// A port without sign, spaces or leading zeros.
std::optional<uint16_t> port_in(std::string_view text) {
  uint16_t port = 0;
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// The next word of a line; single spaces stand between them.
std::string_view take_word(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

// An address of that family, without a zone.
std::optional<Address> address_in(std::string_view text, std::string_view family, uint16_t port) {
  const bool colons = text.find(':') != std::string_view::npos;
  if (colons != (family == "TCP6") || text.find('%') != std::string_view::npos) return std::nullopt;
  return Address::from_literal(text, port);
}

Parsed parse_line(std::string_view bytes) {
  const size_t end = bytes.substr(0, kLineBytesMax).find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kLineBytesMax) return malformed("the line does not end");
    return std::nullopt;
  }
  std::string_view line = bytes.substr(kSignature1.size(), end - kSignature1.size());
  ProxyHeader header{.size = end + 2, .client = std::nullopt};
  const std::string_view family = take_word(line);
  if (family == "UNKNOWN") return header;
  if (family != "TCP4" && family != "TCP6") return malformed("it names no family that is known");
  const std::string_view source = take_word(line);
  const std::string_view destination = take_word(line);
  const auto port = port_in(take_word(line));
  const auto destination_port = port_in(line);
  if (!port || !destination_port) return malformed("a port is wrong");
  const auto client = address_in(source, family, *port);
  if (!client || !address_in(destination, family, 0)) return malformed("an address is wrong");
  header.client = *client;
  return header;
}

uint16_t number_at(std::string_view bytes, size_t offset) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[offset]) << 8 |
                               static_cast<uint8_t>(bytes[offset + 1]));
}

Address address4(std::string_view block) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  std::memcpy(&in.sin_addr, block.data(), 4);
  std::memcpy(&in.sin_port, block.data() + 8, 2);
  return {reinterpret_cast<const sockaddr*>(&in), sizeof in};
}

Address address6(std::string_view block) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  std::memcpy(&in.sin6_addr, block.data(), 16);
  std::memcpy(&in.sin6_port, block.data() + 32, 2);
  return {reinterpret_cast<const sockaddr*>(&in), sizeof in};
}

Parsed parse_binary(std::string_view bytes) {
  if (bytes.size() < kFixedBytes2) return std::nullopt;
  const auto version_command = static_cast<uint8_t>(bytes[12]);
  const auto family = static_cast<uint8_t>(static_cast<uint8_t>(bytes[13]) >> 4);
  const int kind = bytes[13] & 0xf;
  const size_t length = number_at(bytes, 14);
  if (version_command >> 4 != 2) return malformed("the version is none that is known");
  const int command = version_command & 0xf;
  if (command > 1) return malformed("the command is none that is known");
  if (kFixedBytes2 + length > kProxyHeaderBytesMax) return too_long();
  if (bytes.size() < kFixedBytes2 + length) return std::nullopt;
  ProxyHeader header{.size = kFixedBytes2 + length, .client = std::nullopt};
  const std::string_view block = bytes.substr(kFixedBytes2, length);
  if (command == 0) return header;
  // 0 and 3, nothing and Unix sockets: the client has no address that could be told.
  if (family > 3) return malformed("the family is none that is known");
  if (kind > kDatagram) return malformed("the kind of connection is none that is known");
  constexpr std::array<size_t, 4> kBlockBytes = {0, 12, 36, 216};
  if (length < kBlockBytes[family]) return malformed("its addresses are cut off");
  if (kind != kStream) return header;  // it is not of this connection
  if (family == 1) header.client = address4(block);
  if (family == 2) header.client = address6(block);
  return header;
}

struct Taken {
  ProxyHeader header;
  Bytes rest;
};

loop::Task<Result<Taken>> read_header(ByteStream& stream) {
  ByteBuffer gathered;
  for (;;) {
    auto chunk = co_await stream.read();
    if (!chunk || chunk->empty())
      co_return Failure(Code::Unavailable, "the connection ended before its PROXY header")
          .with_detail("closed")
          .take();
    gathered.append(chunk->view());
    CO_TRY(header, parse_proxy_header(gathered.view()));
    if (!header) continue;
    Taken taken{*header, gathered.take()};
    taken.rest.remove_prefix(header->size);
    co_return taken;
  }
}

}  // namespace

Parsed parse_proxy_header(std::string_view bytes) {
  const auto begins = [&](std::string_view signature) {
    const size_t size = std::min(bytes.size(), signature.size());
    return bytes.substr(0, size) == signature.substr(0, size);
  };
  if (begins(kSignature2))
    return bytes.size() < kSignature2.size() ? Parsed(std::nullopt) : parse_binary(bytes);
  if (begins(kSignature1))
    return bytes.size() < kSignature1.size() ? Parsed(std::nullopt) : parse_line(bytes);
  return malformed("it begins otherwise");
}

loop::Task<Result<std::unique_ptr<ByteStream>>> take_proxy_header(
    std::unique_ptr<ByteStream> stream, std::span<const AddressRange> from, Instant deadline) {
  const Address& peer = stream->peer();
  if (std::ranges::none_of(from, [&](const AddressRange& one) { return one.contains(peer); })) {
    stream->abort();
    co_return Failure(Code::PermissionDenied,
                      fmt::format("{} is no balancer of this listener", peer.host_text()))
        .with_detail("stranger")
        .take();
  }
  auto taken = co_await loop::with_deadline(stream->loop(), read_header(*stream), deadline);
  if (!taken && taken.error().reason() == Reason::DeadlineExpired)
    co_return Failure(Code::Unavailable, "no PROXY header came in time")
        .with_detail("timeout")
        .with_limit("listeners[].proxy_protocol.timeout")
        .take();
  if (!taken) co_return std::move(taken).error();
  co_return put_back(std::move(stream), std::move(taken->rest), taken->header.client);
}

}  // namespace parley::net
