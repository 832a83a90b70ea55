#include "call/call.h"

namespace parley::call {

loop::Task<Result<std::optional<MessagePart>>> read_message(Messages& messages, size_t bytes_max) {
  CO_TRY(first, co_await messages.next());
  if (!first) co_return std::optional<MessagePart>();
  if (first->total > bytes_max) {
    co_return Failure(Reason::BodyTooLarge, "the message has " + std::to_string(first->total) +
                                                " bytes, the limit is " + std::to_string(bytes_max))
        .with_limit("message_bytes_max");
  }
  if (first->last) co_return std::move(first);
  ByteBuffer whole(first->total);
  whole.append(first->data.view());
  for (bool last = false; !last;) {
    CO_TRY(part, co_await messages.next());
    if (!part) co_return Failure(Reason::BodyInvalid, "the request ends inside of a message");
    whole.append(part->data.view());
    last = part->last;
  }
  co_return std::optional(whole_message(whole.take(), first->compressed));
}

}  // namespace parley::call
