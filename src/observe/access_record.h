#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"

namespace parley::observe {

// One request that is over, for the log. Views are borrowed for the call that renders it; empty
// ones are not known.
struct AccessRecord {
  WallTime time{};  // of the request's first byte
  std::string_view client;
  std::string_view http;      // "HTTP/1.1"
  std::string_view verb;      // "GET"
  std::string_view path;      // what is after a '?' is never written
  std::string_view protocol;  // "rest", "grpc"
  std::string_view method;    // "shop.v1.Users.GetUser"
  std::string_view route;     // the template that matched
  uint16_t status = 0;        // 0: no head was sent
  Code code = Code::Ok;
  bool code_known = false;
  bool reset = false;  // the answer is not whole
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
  Duration duration{0};
  std::string_view endpoint;
  std::string_view request_id;
  std::string_view limit;   // the named limit that was hit
  std::string_view reason;  // of a failure
};

// A longer path, reason or name is cut in the log, with "..." where it was. So a line never has
// more than kLineBytesMax, escapes and newline included: lines of several shards do not mix in a
// pipe, whose writes are whole up to PIPE_BUF (POSIX: at least 512, Linux: 4096).
inline constexpr size_t kPathBytesMax = 1024;
inline constexpr size_t kReasonBytesMax = 1024;
inline constexpr size_t kNameBytesMax = 160;
inline constexpr size_t kLineBytesMax = 4096;

// One line for people, with its newline: what has a fixed width first, in columns; "-" for what is
// not known. Control characters, backslashes, invalid UTF-8 and what could turn the direction of
// text are written as \xHH, so that no request can forge a line or speak to the terminal.
void render_text(const AccessRecord& record, ByteBuffer& out);

// One JSON object (RFC 8259) and a newline, for machines; what is not known is left out.
void render_json(const AccessRecord& record, ByteBuffer& out);

}  // namespace parley::observe
