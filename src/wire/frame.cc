#include "wire/frame.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"

namespace parley::wire {
namespace {

Failure malformed_frame(Origin peer, std::string message) {
  const bool upstream = peer == Origin::Upstream;
  Failure failure(upstream ? Reason::UpstreamMalformed : Reason::BodyInvalid, std::move(message));
  failure.from(peer);
  return failure;
}

Failure oversized_frame(const FrameSettings& settings, uint32_t length) {
  const bool upstream = settings.peer == Origin::Upstream;
  Failure failure(
      upstream ? Reason::UpstreamTooLarge : Reason::BodyTooLarge,
      fmt::format("a message of {} bytes: more than {}", length, settings.message_bytes_max));
  failure.with_limit("message_bytes_max").from(settings.peer);
  return failure;
}

}  // namespace

FrameHeader frame_header(uint8_t flags, uint32_t length) {
  return {static_cast<char>(flags), static_cast<char>(length >> 24),
          static_cast<char>(length >> 16), static_cast<char>(length >> 8),
          static_cast<char>(length)};
}

uint32_t frame_length(const char* header) {
  const auto byte = [&](size_t i) { return uint32_t{static_cast<uint8_t>(header[i])}; };
  return byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4);
}

Result<std::optional<FramePart>> FrameDecoder::next(Bytes& chunk) {
  if (!inside_) {
    const size_t take = std::min(kFrameHeaderSize - header_size_, chunk.size());
    if (take > 0) std::memcpy(header_ + header_size_, chunk.data(), take);
    header_size_ = static_cast<uint8_t>(header_size_ + take);
    chunk.remove_prefix(take);
    if (header_size_ < kFrameHeaderSize) return std::nullopt;
    TRY_VOID(begin_message());
    return take_part(chunk, true);
  }
  if (chunk.empty()) return std::nullopt;
  return take_part(chunk, false);
}

// The header is complete.
Result<void> FrameDecoder::begin_message() {
  total_ = frame_length(header_);
  const uint32_t flags = static_cast<uint8_t>(header_[0]);
  if (const uint32_t unknown = flags & ~uint32_t{settings_.flags_allowed}; unknown != 0)
    return malformed_frame(settings_.peer,
                           fmt::format("a message with unknown flags {:#04x}", unknown));
  if (total_ > settings_.message_bytes_max) return oversized_frame(settings_, total_);
  left_ = total_;
  inside_ = true;
  header_size_ = 0;
  return {};
}

FramePart FrameDecoder::take_part(Bytes& chunk, bool first) {
  const size_t take = std::min<size_t>(left_, chunk.size());
  FramePart part;
  part.flags = static_cast<uint8_t>(header_[0]);
  part.total = total_;
  part.first = first;
  part.payload = take == chunk.size() ? std::exchange(chunk, Bytes()) : chunk.slice(0, take);
  if (!chunk.empty()) chunk.remove_prefix(take);
  left_ -= static_cast<uint32_t>(take);
  part.last = left_ == 0;
  inside_ = !part.last;
  return part;
}

Result<void> FrameDecoder::finish() const {
  if (!inside_ && header_size_ == 0) return {};
  return malformed_frame(settings_.peer, "the stream ends inside of a message");
}

std::optional<WholeMessage> MessageAssembler::add(FramePart part) {
  if (part.first && part.last) return WholeMessage{part.flags, std::move(part.payload)};
  // The sender's word for the size is believed only as far as it sends.
  constexpr uint32_t kReserveMax = 64 * 1024;
  if (part.first) gathered_.reserve(std::min(part.total, kReserveMax));
  gathered_.append(part.payload.view());
  if (!part.last) return std::nullopt;
  return WholeMessage{part.flags, gathered_.take()};
}

}  // namespace parley::wire
