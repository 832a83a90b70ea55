#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "wire/frame.h"
#include "wire/grpc_compression.h"

namespace {

using namespace parley;
using namespace parley::wire;

// What a decoder makes of `stream` in chunks of `chunk_size`.
std::string decode(std::string_view stream, size_t chunk_size) {
  std::string seen;
  FrameDecoder decoder({.message_bytes_max = 1000, .flags_allowed = 0x81});
  MessageAssembler assembler;
  for (size_t at = 0; at < stream.size(); at += chunk_size) {
    Bytes chunk = Bytes::copy(stream.substr(at, chunk_size));
    for (;;) {
      auto part = decoder.next(chunk);
      if (!part) return seen + "!" + part.error().message();
      if (!part->has_value()) break;
      PARLEY_ASSERT((*part)->total <= 1000);
      auto whole = assembler.add(std::move(**part));
      if (!whole) continue;
      seen += static_cast<char>(whole->flags);
      seen += whole->payload.view();
    }
  }
  return seen + (decoder.finish() ? "." : "!");
}

}  // namespace

// However a stream is cut into chunks, the same messages come out. Its bytes are also decompressed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = decode(stream, std::max<size_t>(stream.size(), 1));
  PARLEY_ASSERT(decode(stream, 1) == whole);
  PARLEY_ASSERT(decode(stream, data[0] % 16 + 1) == whole);
  for (const auto encoding : {MessageEncoding::Gzip, MessageEncoding::Deflate}) {
    const auto message = decompress_message(encoding, stream, {.bytes_max = 100'000});
    PARLEY_ASSERT(!message || message->size() <= 100'000);
  }
  return 0;
}
