#include "wire/grpc_compression.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <zlib.h>

#include "base/assert.h"

namespace parley::wire {
namespace {

// windowBits of zlib: plus 16 means gzip's header and trailer (RFC 1952) instead of zlib's own.
int window_bits(MessageEncoding encoding) {
  return encoding == MessageEncoding::Gzip ? MAX_WBITS + 16 : MAX_WBITS;
}

constexpr size_t kChunkMin = 1024;
constexpr int kLevel = 6;
constexpr int kMemoryLevel = 8;

struct Inflater {
  explicit Inflater(MessageEncoding encoding) {
    PARLEY_ASSERT(inflateInit2(&stream, window_bits(encoding)) == Z_OK);
  }
  ~Inflater() { inflateEnd(&stream); }
  z_stream stream{};
};

struct Deflater {
  explicit Deflater(MessageEncoding encoding) {
    PARLEY_ASSERT(deflateInit2(&stream, kLevel, Z_DEFLATED, window_bits(encoding), kMemoryLevel,
                               Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~Deflater() { deflateEnd(&stream); }
  z_stream stream{};
};

// zlib takes no const pointer, but does not write.
Bytef* zlib_input(std::string_view text) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
}

Failure malformed(const DecompressLimits& limits) {
  const bool upstream = limits.peer == Origin::Upstream;
  Failure failure(upstream ? Reason::UpstreamMalformed : Reason::BodyInvalid,
                  "the compressed message cannot be decompressed");
  failure.from(limits.peer);
  return failure;
}

Failure too_large(const DecompressLimits& limits, std::string message) {
  const bool upstream = limits.peer == Origin::Upstream;
  Failure failure(upstream ? Reason::UpstreamTooLarge : Reason::BodyTooLarge, std::move(message));
  failure.from(limits.peer);
  return failure;
}

// Of `size` decompressed bytes from `taken` compressed ones.
Result<void> check_limits(const DecompressLimits& limits, size_t size, size_t taken) {
  if (size > limits.bytes_max)
    return too_large(limits, fmt::format("a message of more than {} bytes", limits.bytes_max))
        .with_limit("message_bytes_max")
        .take();
  if (size > limits.ratio_free_bytes && size / limits.ratio_max > taken)
    return too_large(limits, fmt::format("a message compressed to less than 1/{} of its size, "
                                         "which is never taken",
                                         limits.ratio_max))
        .with_limit("fixed.compression_ratio_max")
        .take();
  return {};
}

}  // namespace

std::optional<MessageEncoding> message_encoding(std::string_view name) {
  for (const auto encoding :
       {MessageEncoding::Identity, MessageEncoding::Gzip, MessageEncoding::Deflate})
    if (message_encoding_name(encoding) == name) return encoding;
  return std::nullopt;
}

std::string_view message_encoding_name(MessageEncoding encoding) {
  switch (encoding) {
    case MessageEncoding::Identity: return "identity";
    case MessageEncoding::Gzip: return "gzip";
    case MessageEncoding::Deflate: return "deflate";
  }
  return "identity";
}

Bytes compress_message(MessageEncoding encoding, std::string_view message) {
  if (encoding == MessageEncoding::Identity) return Bytes::copy(message);
  PARLEY_ASSERT(message.size() <= std::numeric_limits<uInt>::max());
  Deflater deflater(encoding);
  z_stream& stream = deflater.stream;
  const size_t bound = deflateBound(&stream, message.size());
  PARLEY_ASSERT(bound <= std::numeric_limits<uInt>::max());
  ByteBuffer out;
  stream.next_in = zlib_input(message);
  stream.avail_in = static_cast<uInt>(message.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.spare(bound));
  stream.avail_out = static_cast<uInt>(bound);
  PARLEY_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.commit(bound - stream.avail_out);
  return out.take();
}

Result<Bytes> decompress_message(MessageEncoding encoding, std::string_view compressed,
                                 const DecompressLimits& limits) {
  if (encoding == MessageEncoding::Identity) {
    TRY_VOID(check_limits(limits, compressed.size(), compressed.size()));
    return Bytes::copy(compressed);
  }
  if (compressed.size() > std::numeric_limits<uInt>::max()) return malformed(limits);
  Inflater inflater(encoding);
  z_stream& stream = inflater.stream;
  ByteBuffer out;
  stream.next_in = zlib_input(compressed);
  stream.avail_in = static_cast<uInt>(compressed.size());
  for (;;) {
    // Room grows with what has come, so that a small bomb costs little.
    const size_t room = std::min(std::max({kChunkMin, compressed.size() * 2, out.size()}),
                                 limits.bytes_max - out.size() + 1);
    stream.next_out = reinterpret_cast<Bytef*>(out.spare(room));
    stream.avail_out = static_cast<uInt>(std::min<size_t>(room, std::numeric_limits<uInt>::max()));
    const uInt before = stream.avail_out;
    const int answer = inflate(&stream, Z_NO_FLUSH);
    out.commit(before - stream.avail_out);
    TRY_VOID(check_limits(limits, out.size(), compressed.size() - stream.avail_in));
    if (answer == Z_STREAM_END) break;
    if (answer != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) return malformed(limits);
  }
  if (stream.avail_in != 0) return malformed(limits);
  return out.take();
}

}  // namespace parley::wire
