#pragma once

#include "call/call.h"
#include "http/exchange.h"
#include "wire/frame.h"

namespace parley::door {

// A gRPC client's messages: the frames of the request's body, in parts as they arrive.
class GrpcMessages final : public call::Messages {
 public:
  // `compressed`: whether the client has said how its messages are; then they may be.
  GrpcMessages(http::Exchange& exchange, uint32_t bytes_max, bool compressed, bool streaming);

  // Waits until the first message is here, or kAheadMax of it, or the end: before next().
  loop::Task<Result<void>> arrive();

  // Failures: BodyTooLarge, BodyInvalid; for a method that does not stream, also for a second
  // message and for none.
  loop::Task<Result<std::optional<call::MessagePart>>> next() override;

  static constexpr size_t kAheadMax = 64 * 1024;

 private:
  http::Exchange& exchange_;
  const bool streaming_;
  wire::FrameDecoder frames_;
  Bytes chunk_;
  size_t messages_ = 0;
};

// A gRPC answer: the head at the upstream's initial metadata, messages framed again in the parts
// that they come in.
class GrpcReplies final : public call::Replies {
 public:
  explicit GrpcReplies(http::Exchange& exchange) : exchange_(exchange) {}

  void metadata(Fields metadata) override;
  loop::Task<Result<void>> write(call::MessagePart part) override;
  // The end of a call that went well.
  void finish(const Fields& trailers);

 private:
  http::Exchange& exchange_;
};

}  // namespace parley::door
