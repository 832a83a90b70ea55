#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "net/address_range.h"
#include "net/byte_stream.h"

namespace parley::net {

// What a balancer says of a connection before its first byte: the PROXY protocol, versions 1 and 2,
// as HAProxy defines it.
struct ProxyHeader {
  size_t size = 0;                // bytes that it takes
  std::optional<Address> client;  // nullopt: the balancer speaks for itself (LOCAL, UNKNOWN)
};

// A header of version 2 may carry more; nothing that we know of does.
inline constexpr size_t kProxyHeaderBytesMax = 4096;

// Reads the header at the start of `bytes`; nullopt: it is not complete. Failure: it is none.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

// The stream behind its header, with the client's address as its peer. Failure, and the stream is
// closed: the peer is in none of the ranges, it sent no header, or took longer than `deadline`. The
// detail of a failure is one word for counters: "stranger", "malformed", "timeout", "closed".
loop::Task<Result<std::unique_ptr<ByteStream>>> take_proxy_header(
    std::unique_ptr<ByteStream> stream, std::span<const AddressRange> from, Instant deadline);

}  // namespace parley::net
