#include "http/http1_writer.h"

#include <charconv>
#include <iterator>

#include "http/date.h"
#include "http/syntax.h"

namespace parley::http {
namespace {

// Reason phrases are for people; a status without one is sent without.
std::string_view reason_phrase(uint16_t status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

void write_number(ByteBuffer& out, uint64_t number, int base = 10) {
  constexpr size_t kDigitsMax = 20;
  char* to = out.spare(kDigitsMax);
  const auto [end, error] = std::to_chars(to, to + kDigitsMax, number, base);
  PARLEY_ASSERT(error == std::errc());
  out.commit(static_cast<size_t>(end - to));
}

void write_status_line(ByteBuffer& out, uint16_t status) {
  out.append("HTTP/1.1 ");
  write_number(out, status);
  out.append(' ');
  out.append(reason_phrase(status));
  out.append("\r\n");
}

// The last guard against a header that a value splits in two.
bool is_writable(const Field& field) {
  return is_token(field.name) && find_invalid_in_value(field.value) == std::string_view::npos;
}

void write_field(ByteBuffer& out, std::string_view name, std::string_view value) {
  out.append(name);
  out.append(": ");
  out.append(value);
  out.append("\r\n");
}

void write_framing(ByteBuffer& out, const Http1Framing& framing) {
  if (framing.kind == Http1Framing::Kind::Length) {
    out.append("content-length: ");
    write_number(out, framing.length);
    out.append("\r\n");
  } else if (framing.kind == Http1Framing::Kind::Chunked) {
    out.append("transfer-encoding: chunked\r\n");
  }
}

}  // namespace

void write_response_head(ByteBuffer& out, const ResponseHead& head, const Http1Framing& framing,
                         const Http1Closing& closing, WallTime now) {
  write_status_line(out, head.status);
  bool dated = false;
  for (const Field field : head.fields) {
    if (field.id == FieldId::ContentLength || is_hop_by_hop(field.id)) continue;
    if (!is_writable(field)) continue;
    dated = dated || field.id == FieldId::Date;
    write_field(out, field.name, field.value);
  }
  if (!dated) write_field(out, "date", http_date(now));
  write_framing(out, framing);
  if (closing.close) {
    out.append("connection: close\r\n");
  } else if (closing.keep_alive) {
    out.append("connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

void write_interim(ByteBuffer& out, uint16_t status, const Fields& fields) {
  write_status_line(out, status);
  for (const Field field : fields) {
    if (!is_hop_by_hop(field.id) && is_writable(field)) write_field(out, field.name, field.value);
  }
  out.append("\r\n");
}

void write_chunk_line(ByteBuffer& out, size_t size) {
  PARLEY_ASSERT(size > 0);
  write_number(out, size, 16);
  out.append("\r\n");
}

void write_last_chunk(ByteBuffer& out, const Fields& trailers) {
  out.append("0\r\n");
  for (const Field field : trailers) {
    if (!is_forbidden_in_trailers(field) && is_writable(field)) {
      write_field(out, field.name, field.value);
    }
  }
  out.append("\r\n");
}

std::optional<uint64_t> declared_length(const ResponseHead& head) {
  const auto text = head.fields.find(FieldId::ContentLength);
  uint64_t length = 0;
  if (!text) return std::nullopt;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, length);
  if (error != std::errc() || stop != end) return std::nullopt;
  return length;
}

}  // namespace parley::http
