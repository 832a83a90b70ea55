#include "http/http1_body.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "http/syntax.h"

// RFC 9112, 7.1:
//
//   chunked-body   = *chunk last-chunk trailer-section CRLF
//   chunk          = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//   chunk-size     = 1*HEXDIG                     at most 15 digits here
//   last-chunk     = 1*("0") [ chunk-ext ] CRLF
//   chunk-ext      = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
//   chunk-ext-name = token
//   chunk-ext-val  = token / quoted-string
//   trailer-section = *( field-line CRLF )
namespace parley::http {
namespace {

constexpr size_t kChunkDigitsMax = 15;  // so that no sum of sizes overflows

void skip_bws(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// quoted-string (RFC 9110, 5.6.4), whose bytes are known to be valid in a value.
bool skip_quoted(std::string_view& text) {
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      text.remove_prefix(at + 1);
      return true;
    }
  }
  return false;
}

bool skip_token(std::string_view& text) {
  const size_t length = token_length(text);
  text.remove_prefix(length);
  return length > 0;
}

bool is_chunk_extension(std::string_view text) {
  if (find_invalid_in_value(text) != std::string_view::npos) return false;
  while (!text.empty()) {
    skip_bws(text);
    if (!text.starts_with(';')) return false;
    text.remove_prefix(1);
    skip_bws(text);
    if (!skip_token(text)) return false;
    std::string_view after = text;
    skip_bws(after);
    if (!after.starts_with('=')) continue;
    after.remove_prefix(1);
    skip_bws(after);
    if (after.starts_with('"') ? !skip_quoted(after) : !skip_token(after)) return false;
    text = after;
  }
  return true;
}

}  // namespace

void Http1Body::start_with_length(uint64_t length) {
  remaining_ = length;
  state_ = length == 0 ? State::Ended : State::Length;
  trailers_.clear();
}

void Http1Body::start_chunked(FieldLimits trailer_limits) {
  state_ = State::ChunkLine;
  trailers_ = Fields(trailer_limits);
  remaining_ = chunks_ = 0;
  extension_bytes_ = trailer_bytes_ = 0;
  trailer_lines_ = 0;
}

std::optional<uint64_t> Http1Body::remaining() const {
  if (state_ == State::Length) return remaining_;
  if (state_ == State::Ended) return 0;
  return std::nullopt;
}

Result<std::optional<Bytes>> Http1Body::parse(Bytes& input) {
  while (state_ != State::Ended) {
    if (state_ == State::Length || state_ == State::ChunkData) {
      if (input.empty()) return std::optional<Bytes>();
      return std::optional(take(input));
    }
    TRY(whole, parse_framing(input));
    if (!whole) return std::optional<Bytes>();
  }
  return std::optional(Bytes());
}

Bytes Http1Body::take(Bytes& input) {
  const auto size = static_cast<size_t>(std::min<uint64_t>(remaining_, input.size()));
  remaining_ -= size;
  if (remaining_ == 0) state_ = state_ == State::Length ? State::Ended : State::ChunkEnd;
  if (size == input.size()) return std::exchange(input, {});
  Bytes part = input.slice(0, size);
  input.remove_prefix(size);
  return part;
}

// One line of the framing; false when it is not whole yet.
Result<bool> Http1Body::parse_framing(Bytes& input) {
  const auto line = lines_.next(input);
  if (!line) {
    TRY_VOID(check_partial());
    return false;
  }
  switch (state_) {
    case State::ChunkLine: TRY_VOID(parse_chunk_line(*line)); break;
    case State::ChunkEnd: TRY_VOID(parse_chunk_end(*line)); break;
    default: TRY_VOID(parse_trailer(*line)); break;
  }
  return true;
}

Result<void> Http1Body::parse_chunk_line(std::string_view line) {
  if (line.size() > kChunkLineBytesMax + 1) return long_chunk_line();
  if (!line.ends_with('\r')) return wrong_chunk("bare LF");
  line.remove_suffix(1);
  size_t digits = 0;
  uint64_t size = 0;
  for (; digits < line.size() && hex_digit(line[digits]) >= 0; ++digits) {
    if (digits == kChunkDigitsMax) return wrong_chunk("its size has too many digits");
    size = size * 16 + static_cast<uint64_t>(hex_digit(line[digits]));
  }
  if (digits == 0) return wrong_chunk("its size is no hexadecimal number");
  const std::string_view extension = line.substr(digits);
  if (!is_chunk_extension(extension)) return wrong_chunk("its extension is not well formed");
  extension_bytes_ += extension.size();
  if (extension_bytes_ > kChunkExtensionBytesMax) {
    return wrong_chunk(fmt::format("the body has more than {} bytes of chunk extensions",
                                   kChunkExtensionBytesMax))
        .with_limit("fixed.chunk_extension_bytes_max")
        .take();
  }
  remaining_ = size;
  ++chunks_;
  state_ = size == 0 ? State::Trailers : State::ChunkData;
  return {};
}

Result<void> Http1Body::parse_chunk_end(std::string_view line) {
  if (line != "\r") return wrong_chunk("no CRLF after its data");
  state_ = State::ChunkLine;
  return {};
}

Result<void> Http1Body::parse_trailer(std::string_view line) {
  trailer_bytes_ += line.size() + 1;
  if (trailer_bytes_ > trailers_.limits().bytes_max + 2) {
    return Failure(Reason::HeadersTooLarge, "the trailers are too large")
        .from(Origin::Client)
        .with_limit("http.header_bytes_max");
  }
  if (line == "\r") {
    state_ = State::Ended;
    return {};
  }
  TRY(field, parse_field_line(line, "trailer line", ++trailer_lines_));
  const bool fits =
      trailer_lines_ <= trailers_.limits().count_max && trailers_.append(field.name, field.value);
  if (!fits) {
    const bool count = trailer_lines_ > trailers_.limits().count_max;
    return Failure(Reason::HeadersTooLarge, "the trailers are too many or too large")
        .from(Origin::Client)
        .with_limit(count ? "http.header_count_max" : "http.header_bytes_max");
  }
  const Field added = trailers_[trailers_.size() - 1];
  if (is_forbidden_in_trailers(added)) trailers_.remove(field.name);
  return {};
}

// What is wrong already, before the line has ended.
Result<void> Http1Body::check_partial() const {
  const std::string_view partial = lines_.partial();
  switch (state_) {
    case State::ChunkLine:
      if (partial.size() > kChunkLineBytesMax + 1) return long_chunk_line();
      break;
    case State::ChunkEnd:
      if (!std::string_view("\r").starts_with(partial)) {
        return wrong_chunk("no CRLF after its data");
      }
      break;
    default:
      if (trailer_bytes_ + partial.size() > trailers_.limits().bytes_max + 2) {
        return Failure(Reason::HeadersTooLarge, "the trailers are too large")
            .from(Origin::Client)
            .with_limit("http.header_bytes_max");
      }
  }
  return {};
}

Failure Http1Body::long_chunk_line() const {
  return wrong_chunk(fmt::format("its line has more than {} bytes", kChunkLineBytesMax))
      .with_limit("fixed.chunk_line_bytes_max")
      .take();
}

Failure Http1Body::wrong_chunk(std::string_view why) const {
  return malformed(fmt::format("chunk {}", state_ == State::ChunkLine ? chunks_ + 1 : chunks_),
                   why);
}

}  // namespace parley::http
