#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "http/exchange.h"

namespace parley::http {

// How the end of a response's body is told (RFC 9112, 6.3).
struct Http1Framing {
  enum class Kind : uint8_t {
    None,        // no body, by the status
    Length,      // content-length
    Chunked,     // transfer-encoding: chunked
    UntilClose,  // to an HTTP/1.0 client
    Unsaid,      // to HEAD, where the length of the body that is not sent is not known
  };
  Kind kind = Kind::None;
  uint64_t length = 0;
};

// The fields that a connection says of itself, after those of the response.
struct Http1Closing {
  bool close = false;       // connection: close
  bool keep_alive = false;  // connection: keep-alive, which HTTP/1.0 has to be told
};

// Whether a response of that status never has a body (RFC 9110, 6.4.1).
constexpr bool is_bodiless(uint16_t status) {
  return status < 200 || status == 204 || status == 304;
}

// Appends a status line and a header. Fields of `fields` that speak of framing or of the connection
// are left out, for they are the connection's to say, as are those that would break the header.
void write_response_head(ByteBuffer& out, const ResponseHead& head, const Http1Framing& framing,
                         const Http1Closing& closing, WallTime now);
// An interim response (RFC 9110, 15.2).
void write_interim(ByteBuffer& out, uint16_t status, const Fields& fields);

// chunk-size CRLF. REQUIRES: size > 0
void write_chunk_line(ByteBuffer& out, size_t size);
// The last chunk, the trailers and the end.
void write_last_chunk(ByteBuffer& out, const Fields& trailers);

// The length that `head` declares; nullopt: none, or none that is a number.
std::optional<uint64_t> declared_length(const ResponseHead& head);

}  // namespace parley::http
