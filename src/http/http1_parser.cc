#include "http/http1_parser.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/ascii.h"
#include "http/syntax.h"

// RFC 9112, 2.1 to 6.3, read strictly:
//
//   request        = *4( CRLF ) request-line CRLF *( field-line CRLF ) CRLF
//   request-line   = method SP request-target SP HTTP-version      each SP exactly one
//   method         = token                                         of at most 32 bytes; no CONNECT
//   request-target = absolute-path [ "?" query ]                   origin-form
//                  / "http" [ "s" ] "://" authority [ absolute-path ] [ "?" query ]
//                  / "*"                                           only with OPTIONS
//   HTTP-version   = "HTTP/1.1" / "HTTP/1.0"
//
// Framing (6.3): Transfer-Encoding is `chunked` alone, on 1.1, without Content-Length; equal
// Content-Lengths are one. Everything else that frames twice, or not at all, is refused.
namespace parley::http {
namespace {

constexpr std::string_view kRequestLine = "request line";
constexpr size_t kVersionBytes = 8;

Failure too_large(std::string_view limit, std::string message) {
  Failure failure(Reason::HeadersTooLarge, std::move(message));
  failure.from(Origin::Client).with_limit(limit);
  return failure;
}

Failure headers_too_large(uint32_t bytes_max) {
  return too_large("http.header_bytes_max",
                   fmt::format("the header is larger than {} bytes", bytes_max));
}

// The method, as far as it has come: so that bytes of another protocol are known by the first ones.
Result<void> check_verb(std::string_view line) {
  const size_t size = token_length(line.substr(0, Http1Parser::kVerbBytesMax + 1));
  if (size > Http1Parser::kVerbBytesMax) {
    return malformed(kRequestLine,
                     fmt::format("the method has more than {} bytes", Http1Parser::kVerbBytesMax))
        .with_limit("fixed.method_bytes_max")
        .take();
  }
  if (size == line.size()) return {};
  if (size == 0 || line[size] != ' ') {
    return malformed(kRequestLine, byte_text(line[size]) + " in the method");
  }
  return {};
}

Result<Version> check_version(std::string_view text) {
  if (text == "HTTP/1.1") return Version::Http11;
  if (text == "HTTP/1.0") return Version::Http10;
  const bool well_formed = text.size() == kVersionBytes && text.starts_with("HTTP/") &&
                           ascii_digit(text[5]) && text[6] == '.' && ascii_digit(text[7]);
  if (!well_formed) return malformed(kRequestLine, "no HTTP version after the target");
  Failure failure(Reason::VersionUnsupported, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  return failure.from(Origin::Client);
}

bool starts_with_scheme(std::string_view target, std::string_view scheme) {
  return target.size() > scheme.size() && ascii_equal(target.substr(0, scheme.size()), scheme);
}

}  // namespace

void Http1Parser::next() {
  head_ = {};
  body_ = {};
  stage_ = Stage::RequestLine;
  blank_lines_ = field_lines_ = 0;
  field_bytes_ = 0;
  host_seen_ = authority_known_ = codings_seen_ = coding_unknown_ = false;
  close_ = persist_ = wants_upgrade_ = upgrade_seen_ = false;
}

Result<bool> Http1Parser::parse_head(Bytes& input, RequestHead& to) {
  while (const auto line = lines_.next(input)) {
    TRY(whole, parse_line(*line, to));
    if (whole) {
      lines_ = {};
      return true;
    }
  }
  TRY_VOID(check_partial());
  return false;
}

// True: it was the line that ends the head.
Result<bool> Http1Parser::parse_line(std::string_view line, RequestHead& to) {
  if (stage_ == Stage::RequestLine) {
    if (line != "\r") {
      TRY_VOID(parse_request_line(line, to));
      stage_ = Stage::Fields;
    } else if (++blank_lines_ > kBlankLinesMax) {
      return malformed(kRequestLine,
                       fmt::format("more than {} empty lines before it", kBlankLinesMax))
          .with_limit("fixed.blank_lines_max")
          .take();
    }
    return false;
  }
  field_bytes_ += line.size() + 1;
  if (field_bytes_ > settings_.header_bytes_max + 2) {
    return headers_too_large(settings_.header_bytes_max);
  }
  if (line != "\r") {
    TRY_VOID(parse_field(line, to));
    return false;
  }
  TRY_VOID(finish_head());
  stage_ = Stage::Done;
  return true;
}

// What is wrong already, before the line has ended: the same as will be when it has.
Result<void> Http1Parser::check_partial() const {
  const std::string_view partial = lines_.partial();
  if (stage_ == Stage::Fields) {
    if (field_bytes_ + partial.size() > settings_.header_bytes_max + 2) {
      return headers_too_large(settings_.header_bytes_max);
    }
    return {};
  }
  if (partial != "\r") TRY_VOID(check_verb(partial));
  if (partial.size() > kVerbBytesMax + settings_.url_bytes_max + kVersionBytes + 3) {
    return Failure(Reason::UrlTooLong, "the request line is too long")
        .from(Origin::Client)
        .with_limit("http.url_bytes_max");
  }
  return {};
}

Result<void> Http1Parser::parse_request_line(std::string_view line, RequestHead& to) {
  TRY_VOID(check_verb(line));
  if (line.size() > kVerbBytesMax + settings_.url_bytes_max + kVersionBytes + 3) {
    return Failure(Reason::UrlTooLong, "the request line is too long")
        .from(Origin::Client)
        .with_limit("http.url_bytes_max");
  }
  if (!line.ends_with('\r')) return malformed(kRequestLine, "bare LF");
  line.remove_suffix(1);
  const std::string_view verb = line.substr(0, line.find(' '));
  if (verb.size() == line.size()) return malformed(kRequestLine, "no target");
  const std::string_view rest = line.substr(verb.size() + 1);
  const std::string_view target = rest.substr(0, rest.find(' '));
  if (target.empty()) return malformed(kRequestLine, "two spaces after the method, or no target");
  if (target.size() == rest.size()) return malformed(kRequestLine, "no HTTP version");
  TRY(version, check_version(rest.substr(target.size() + 1)));
  head_.version = version;
  const bool fits = to.fields.append(FieldId::PseudoMethod, verb) &&
                    to.fields.append(FieldId::PseudoScheme, scheme_);
  if (!fits) return headers_too_large(settings_.header_bytes_max);
  if (target.size() > settings_.url_bytes_max) {
    return Failure(Reason::UrlTooLong,
                   fmt::format("the URL is longer than {} bytes", settings_.url_bytes_max))
        .from(Origin::Client)
        .with_limit("http.url_bytes_max");
  }
  return parse_target(verb, target, to);
}

Result<void> Http1Parser::parse_target(std::string_view verb, std::string_view target,
                                       RequestHead& to) {
  if (verb == "CONNECT") return malformed(kRequestLine, "CONNECT is not served");
  if (target == "*") {
    if (verb != "OPTIONS") return malformed(kRequestLine, "\"*\" is for OPTIONS only");
  } else if (!target.starts_with('/')) {
    return parse_absolute(verb, target, to);
  } else if (const size_t wrong = find_invalid_in_target(target); wrong != std::string_view::npos) {
    return malformed(kRequestLine,
                     fmt::format("{} in the target, at {}", byte_text(target[wrong]), wrong));
  }
  if (to.fields.append(FieldId::PseudoPath, target)) return {};
  return headers_too_large(settings_.header_bytes_max);
}

Result<void> Http1Parser::parse_absolute(std::string_view verb, std::string_view target,
                                         RequestHead& to) {
  std::string_view rest = target;
  if (starts_with_scheme(target, "http://")) {
    rest.remove_prefix(7);
  } else if (starts_with_scheme(target, "https://")) {
    rest.remove_prefix(8);
  } else {
    return malformed(kRequestLine, "the target is neither a path nor an http URL");
  }
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (!is_authority(authority)) return malformed(kRequestLine, "the URL's host is not valid");
  rest.remove_prefix(authority.size());
  std::string path(rest);  // RFC 9112, 3.2.1 and 3.2.4: the path of a URL without one
  if (rest.empty()) path = verb == "OPTIONS" ? "*" : "/";
  if (rest.starts_with('?')) path.insert(0, "/");
  if (path != "*" && find_invalid_in_target(path) != std::string_view::npos) {
    return malformed(kRequestLine, "the URL's path or query is not valid");
  }
  authority_known_ = true;
  if (to.fields.append(FieldId::PseudoAuthority, authority) &&
      to.fields.append(FieldId::PseudoPath, path)) {
    return {};
  }
  return headers_too_large(settings_.header_bytes_max);
}

Failure Http1Parser::wrong_field(std::string_view why) const {
  return malformed(fmt::format("header line {}", field_lines_), why);
}

Result<void> Http1Parser::parse_field(std::string_view line, RequestHead& to) {
  TRY(field, parse_field_line(line, "header line", ++field_lines_));
  if (field_lines_ > settings_.header_count_max) {
    return too_large("http.header_count_max",
                     fmt::format("the header has more than {} fields", settings_.header_count_max));
  }
  // The two that may not simply be listed.
  if (field.name.size() == 4 && ascii_equal(field.name, "host")) {
    return take_host(field.value, to);
  }
  if (field.name.size() == 14 && ascii_equal(field.name, "content-length")) {
    if (head_.content_length) return compare_length(field.value, to);
    TRY_VOID(take_content_length(field.value));
  }
  return add_field(field, to);
}

Result<void> Http1Parser::add_field(const FieldLine& line, RequestHead& to) {
  if (!to.fields.append(line.name, line.value)) {
    return headers_too_large(settings_.header_bytes_max);
  }
  return note_field(to.fields[to.fields.size() - 1]);
}

Result<void> Http1Parser::note_field(const Field& field) {
  switch (field.id) {
    case FieldId::TransferEncoding: return take_codings(field.value);
    case FieldId::Connection: take_connection(field.value); break;
    case FieldId::Upgrade: upgrade_seen_ = true; break;
    case FieldId::Expect:
      (ascii_equal(field.value, "100-continue") ? head_.expects_continue : head_.expects_other) =
          true;
      break;
    case FieldId::Te: {
      std::string_view list = field.value;
      std::string_view element;
      while (next_list_element(list, element)) {
        if (ascii_equal(element, "trailers")) head_.accepts_trailers = true;
      }
      break;
    }
    default: break;
  }
  return {};
}

Result<void> Http1Parser::take_host(std::string_view value, RequestHead& to) {
  if (host_seen_) return wrong_field("a second Host");
  host_seen_ = true;
  if (!is_authority(value)) return wrong_field("the Host is not valid");
  if (authority_known_) {
    if (ascii_equal(to.authority(), value)) return {};
    return wrong_field("the Host differs from the URL's");
  }
  // After :method and :scheme, before :path.
  if (to.fields.insert(2, FieldId::PseudoAuthority, value)) return {};
  return headers_too_large(settings_.header_bytes_max);
}

Result<void> Http1Parser::take_content_length(std::string_view value) {
  int64_t length = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, length);
  if (value.starts_with('-') || error == std::errc::invalid_argument || stop != end) {
    return wrong_field("the Content-Length is no number");
  }
  if (error != std::errc()) return wrong_field("the Content-Length is too large");
  head_.content_length = static_cast<uint64_t>(length);
  return {};
}

// A repeated length is dropped when it is the same, digit by digit.
Result<void> Http1Parser::compare_length(std::string_view value, const RequestHead& to) const {
  if (to.fields.find(FieldId::ContentLength) == value) return {};
  return wrong_field("a second Content-Length that differs");
}

Result<void> Http1Parser::take_codings(std::string_view list) {
  codings_seen_ = true;
  std::string_view element;
  while (next_list_element(list, element)) {
    if (!is_token(element)) return wrong_field("the Transfer-Encoding is not valid");
    if (head_.chunked) return wrong_field("a transfer coding after chunked");
    if (ascii_equal(element, "chunked")) {
      head_.chunked = true;
    } else {
      coding_unknown_ = true;
    }
  }
  return {};
}

void Http1Parser::take_connection(std::string_view list) {
  std::string_view element;
  while (next_list_element(list, element)) {
    if (ascii_equal(element, "close")) close_ = true;
    if (ascii_equal(element, "keep-alive")) persist_ = true;
    if (ascii_equal(element, "upgrade")) wants_upgrade_ = true;
  }
}

// What only the whole header shows.
Result<void> Http1Parser::finish_head() {
  const bool old = head_.version == Version::Http10;
  if (!host_seen_ && !old) return malformed("header", "no Host");
  if (codings_seen_) {
    if (old) return malformed("header", "Transfer-Encoding in HTTP/1.0");
    if (head_.content_length) {
      return malformed("header", "Transfer-Encoding together with Content-Length");
    }
    if (!head_.chunked) return malformed("header", "the last transfer coding is not chunked");
    if (coding_unknown_) {
      return Failure(Reason::TransferCodingUnknown, "header: only chunked is understood")
          .from(Origin::Client);
    }
  }
  head_.keep_alive = !close_ && (!old || persist_);
  head_.upgrade = !old && wants_upgrade_ && upgrade_seen_;
  if (old) head_.expects_continue = false;  // RFC 9110, 10.1.1
  if (head_.chunked) {
    body_.start_chunked({settings_.header_bytes_max, settings_.header_count_max});
  } else {
    body_.start_with_length(head_.content_length.value_or(0));
  }
  return {};
}

}  // namespace parley::http
