#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace parley::http {

// Cuts lines out of chunks as they come. A line within one chunk is given in place; what is cut
// apart is gathered in memory that the end of the line gives back. The owner bounds `partial`.
class Http1Lines {
 public:
  // The next line, without its LF but with what precedes that; nullopt: `input` is used up and its
  // rest is kept. The line lives until the next call, or until the memory of `input` goes.
  std::optional<std::string_view> next(Bytes& input);

  // The beginning of a line whose end has not come.
  std::string_view partial() const { return given_ ? std::string_view() : partial_.view(); }

 private:
  ByteBuffer partial_;
  bool given_ = false;  // `partial_` is a whole line, which the last call gave
};

struct FieldLine {
  std::string_view name;  // as it came
  std::string_view value;
};

// field-line = field-name ":" OWS field-value OWS CRLF (RFC 9112, 5), and no obs-fold. `line` ends
// before the LF. Failures name the place: `what` ("header line") and `number`.
Result<FieldLine> parse_field_line(std::string_view line, std::string_view what, uint32_t number);

// A request that is no HTTP: RequestMalformed, "WHERE: WHAT".
Failure malformed(std::string_view where, std::string_view what);

// "byte 0x00 in the value": for messages, which never repeat what the client sent.
std::string byte_text(char c);

}  // namespace parley::http
