#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace parley::wire {

// Encodings of grpc-encoding. `Deflate` is zlib's format (RFC 1950), as gRPC means it.
enum class MessageEncoding : uint8_t { Identity, Gzip, Deflate };

// "identity", "gzip", "deflate"; nullopt for any other.
std::optional<MessageEncoding> message_encoding(std::string_view name);
std::string_view message_encoding_name(MessageEncoding encoding);

struct DecompressLimits {
  size_t bytes_max = 4 * 1024 * 1024;  // of the decompressed message
  // Decompressed to compressed, above `ratio_free_bytes`: deflate reaches about 1,030.
  uint32_t ratio_max = 200;
  size_t ratio_free_bytes = 64 * 1024;
  Origin peer = Origin::Client;  // who sent it: decides the failure's reason
};

Bytes compress_message(MessageEncoding encoding, std::string_view message);
Result<Bytes> decompress_message(MessageEncoding encoding, std::string_view compressed,
                                 const DecompressLimits& limits);

}  // namespace parley::wire
