#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace parley::wire {

// gRPC's length-prefixed message: one byte of flags, four bytes of length, big-endian, then the
// message (gRPC over HTTP/2, "Length-Prefixed-Message"). Also gRPC-Web's and Connect's envelope.
inline constexpr size_t kFrameHeaderSize = 5;
inline constexpr uint8_t kFlagCompressed = 0x01;
inline constexpr uint8_t kFlagEndStream = 0x02;  // Connect
inline constexpr uint8_t kFlagTrailers = 0x80;   // gRPC-Web

using FrameHeader = std::array<char, kFrameHeaderSize>;
FrameHeader frame_header(uint8_t flags, uint32_t length);
// The length in a header, of which kFrameHeaderSize bytes are readable.
uint32_t frame_length(const char* header);

struct FrameSettings {
  uint32_t message_bytes_max = 4 * 1024 * 1024;
  uint8_t flags_allowed = kFlagCompressed;
  Origin peer = Origin::Client;  // who sends: decides the failure's reason
};

// A piece of the stream of frames.
struct FramePart {
  uint8_t flags = 0;   // of the message
  uint32_t total = 0;  // bytes of the whole message
  bool first = false;  // the message begins with this part; an empty message is one empty part
  bool last = false;   // and ends with it
  Bytes payload;       // shares the chunk's memory
};

// Splits chunks of a stream into parts of messages, without ever assembling one.
// Legal calls: (next* finish?)*, none after a failure.
class FrameDecoder {
 public:
  explicit FrameDecoder(const FrameSettings& settings) : settings_(settings) {}

  // Takes the next part off the front of `chunk`; nullopt when the chunk is used up. A message's
  // first part comes once its header is complete, though its payload may be empty yet.
  Result<std::optional<FramePart>> next(Bytes& chunk);

  // The stream has ended: a failure inside of a message.
  Result<void> finish() const;

 private:
  Result<void> begin_message();
  FramePart take_part(Bytes& chunk, bool first);

  FrameSettings settings_;
  char header_[kFrameHeaderSize] = {};
  uint8_t header_size_ = 0;  // bytes of the header that are here
  uint32_t total_ = 0;
  uint32_t left_ = 0;  // payload that is still to come
  bool inside_ = false;
};

struct WholeMessage {
  uint8_t flags = 0;
  Bytes payload;
};

// Joins parts into whole messages. A message that lies in one chunk is not copied.
class MessageAssembler {
 public:
  // Takes the decoder's next part; a message when `part` was its last.
  std::optional<WholeMessage> add(FramePart part);

 private:
  ByteBuffer gathered_;
};

}  // namespace parley::wire
