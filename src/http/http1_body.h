#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/fields.h"
#include "base/result.h"
#include "http/http1_lines.h"

namespace parley::http {

// Takes the body of a request out of the bytes of its connection.
//
//   start_with_length | start_chunked → parse* until ended → start...
class Http1Body {
 public:
  // Bytes of one chunk's line, and of all chunk extensions of a body, which nobody reads.
  static constexpr size_t kChunkLineBytesMax = 4096;
  static constexpr size_t kChunkExtensionBytesMax = 16 * 1024;

  void start_with_length(uint64_t length);
  void start_chunked(FieldLimits trailer_limits);

  // The next part of the body, sharing the memory of `input`, which it is taken from; an empty one:
  // the end; nullopt: `input` is used up. Fails where the framing is wrong; the connection is then
  // good for nothing more.
  Result<std::optional<Bytes>> parse(Bytes& input);

  bool ended() const { return state_ == State::Ended; }
  // Without those that a trailer may not be.
  const Fields& trailers() const { return trailers_; }
  // Bytes still to come, where the length is known.
  std::optional<uint64_t> remaining() const;

 private:
  enum class State : uint8_t { Length, ChunkLine, ChunkData, ChunkEnd, Trailers, Ended };

  Bytes take(Bytes& input);
  Result<bool> parse_framing(Bytes& input);
  Result<void> parse_chunk_line(std::string_view line);
  Result<void> parse_chunk_end(std::string_view line);
  Result<void> parse_trailer(std::string_view line);
  Result<void> check_partial() const;
  Failure long_chunk_line() const;
  Failure wrong_chunk(std::string_view why) const;

  Http1Lines lines_;
  Fields trailers_;
  uint64_t remaining_ = 0;  // of the length, or of the chunk
  uint64_t chunks_ = 0;
  size_t extension_bytes_ = 0;
  size_t trailer_bytes_ = 0;
  uint32_t trailer_lines_ = 0;
  State state_ = State::Ended;
};

}  // namespace parley::http
