#pragma once

#include <optional>

#include "call/call.h"
#include "door/responder.h"
#include "door/rest_reply.h"
#include "http/exchange.h"
#include "loop/loop.h"

namespace parley::door {

// The answer of a server stream over REST: one JSON message a line, each flushed; of HttpBody the
// bytes as they are. The status waits for the first message or the end, but not longer than the
// settings say.
//
//   start() [ metadata() write()* ] finish()   |   answer_head()
class StreamReply final : public call::Replies, private loop::Timer {
 public:
  // `content_type`: of JSON. All of it outlives the reply.
  StreamReply(http::Exchange& exchange, loop::Loop& loop, const ReplyFormat& format,
              std::string_view content_type, const AnswerContext& context);

  // Answers HEAD: what would be the head, as far as it is known without a call.
  void answer_head();

  void start();
  void metadata(Fields metadata) override;
  loop::Task<Result<void>> write(call::MessagePart part) override;

  // The end: the upstream's outcome, or why there is none.
  loop::Task<void> finish(Result<call::Outcome> outcome);

 private:
  void fire() override;  // the status has waited long enough
  void begin(std::string_view content_type);
  loop::Task<Result<void>> write_message(Bytes message);
  loop::Task<void> fail(const Failure& failure);

  http::Exchange& exchange_;
  loop::Loop& loop_;
  const ReplyFormat& format_;
  std::string_view content_type_;
  AnswerContext context_;
  ReplyAssembler assembler_;
  Fields metadata_;
  std::optional<Failure> failure_;  // of the upstream's messages
};

}  // namespace parley::door
