#pragma once

#include "call/call.h"

namespace parley::door {

// The one message of a request that does not stream; it can be sent again.
class SingleMessage final : public call::Messages {
 public:
  void set(Bytes message) { message_ = std::move(message); }
  size_t size() const { return message_.size(); }

  loop::Task<Result<std::optional<call::MessagePart>>> next() override {
    if (std::exchange(taken_, true)) co_return std::nullopt;
    co_return call::whole_message(message_);
  }
  bool replayable(size_t limit) const override { return message_.size() <= limit; }
  void rewind() override { taken_ = false; }

 private:
  Bytes message_;
  bool taken_ = false;
};

}  // namespace parley::door
