#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/exchange.h"
#include "http/http1_body.h"
#include "http/http1_lines.h"

namespace parley::http {

// What the head of a request says of its message and its connection.
struct Http1Head {
  Version version = Version::Http11;
  bool keep_alive = false;        // the client wants to use the connection again
  bool upgrade = false;           // it asks for another protocol (RFC 9110, 7.8)
  bool chunked = false;           // the body is
  bool accepts_trailers = false;  // `te: trailers`
  bool expects_continue = false;  // `expect: 100-continue`
  bool expects_other = false;     // an expectation that nobody knows
  std::optional<uint64_t> content_length;

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

// Parses the requests of an HTTP/1.1 connection, one after the other, from chunks of any size, and
// takes nothing that two readers could understand differently. Between two requests it owns no
// memory. Borrows `settings`.
//
//   (parse_head until true → parse_body until an empty chunk → next)*      a failure ends it all
class Http1Parser {
 public:
  static constexpr size_t kVerbBytesMax = 32;
  static constexpr uint32_t kBlankLinesMax = 4;  // before a request line (RFC 9112, 2.2)
  static constexpr uint32_t kPseudoFields = 4;   // :method :scheme :authority :path

  // `scheme` is a literal: what `:scheme` becomes.
  Http1Parser(const Settings& settings, std::string_view scheme)
      : settings_(settings), scheme_(scheme) {}

  // Takes bytes from the front of `input`; true: `to` is the whole head. On a failure, and on
  // false, `to` has what was understood so far. Failures are RequestMalformed, UrlTooLong,
  // HeadersTooLarge, TransferCodingUnknown, VersionUnsupported, and say where.
  // REQUIRES: `to` is empty at first and has `head_limits`, and is the same until the head is
  // whole.
  Result<bool> parse_head(Bytes& input, RequestHead& to);
  static FieldLimits head_limits(const Settings& settings) {
    return {settings.header_bytes_max, settings.header_count_max + kPseudoFields};
  }
  // Whether a part of a head has come.
  bool begun() const { return stage_ != Stage::RequestLine || !lines_.partial().empty(); }
  const Http1Head& head() const { return head_; }

  // See Http1Body::parse. REQUIRES: the head is whole.
  Result<std::optional<Bytes>> parse_body(Bytes& input) { return body_.parse(input); }
  const Http1Body& body() const { return body_; }

  // REQUIRES: body().ended()
  void next();

 private:
  enum class Stage : uint8_t { RequestLine, Fields, Done };

  Result<bool> parse_line(std::string_view line, RequestHead& to);
  Result<void> parse_request_line(std::string_view line, RequestHead& to);
  Result<void> parse_target(std::string_view verb, std::string_view target, RequestHead& to);
  Result<void> parse_absolute(std::string_view verb, std::string_view target, RequestHead& to);
  Result<void> parse_field(std::string_view line, RequestHead& to);
  Result<void> add_field(const FieldLine& line, RequestHead& to);
  Result<void> note_field(const Field& field);
  Result<void> take_host(std::string_view value, RequestHead& to);
  Result<void> take_content_length(std::string_view value);
  Result<void> compare_length(std::string_view value, const RequestHead& to) const;
  Result<void> take_codings(std::string_view list);
  void take_connection(std::string_view list);
  Result<void> finish_head();
  Result<void> check_partial() const;
  Failure wrong_field(std::string_view why) const;

  const Settings& settings_;
  std::string_view scheme_;
  Http1Lines lines_;
  Http1Head head_;
  Http1Body body_;

  // Of the head that is being parsed.
  Stage stage_ = Stage::RequestLine;
  uint32_t blank_lines_ = 0;
  uint32_t field_lines_ = 0;
  size_t field_bytes_ = 0;
  bool host_seen_ = false;
  bool authority_known_ = false;  // from an absolute-form target
  bool codings_seen_ = false;
  bool coding_unknown_ = false;
  bool close_ = false;
  bool persist_ = false;        // `connection: keep-alive`
  bool wants_upgrade_ = false;  // `connection: upgrade`
  bool upgrade_seen_ = false;
};

}  // namespace parley::http
