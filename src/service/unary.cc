#include "service/unary.h"

#include <utility>

#include "wire/grpc_compression.h"

namespace parley::service {
namespace {

// kRequestBytesMax is none of the settings.
template <typename T>
Result<T> named(Result<T> read) {
  if (!read && read.error().limit_name() == "message_bytes_max")
    read.error().with_limit("fixed.own_message_bytes_max");
  return read;
}

}  // namespace

loop::Task<Result<std::optional<Bytes>>> read_next(call::Call& call) {
  CO_TRY(message, named(co_await call::read_message(*call.requests, kRequestBytesMax)));
  if (!message) co_return std::optional<Bytes>();
  if (!message->compressed) co_return std::optional(std::move(message->data));
  const auto encoding = wire::message_encoding(call.encoding);
  if (!encoding || *encoding == wire::MessageEncoding::Identity) {
    co_return Failure(Code::Unimplemented, "the message is compressed in a way that is not known");
  }
  CO_TRY(plain, named(wire::decompress_message(*encoding, message->data.view(),
                                               {.bytes_max = kRequestBytesMax})));
  co_return std::optional(std::move(plain));
}

loop::Task<Result<Bytes>> read_only(call::Call& call) {
  CO_TRY(message, co_await read_next(call));
  if (!message) co_return Failure(Reason::BodyInvalid, "the request has no message");
  CO_TRY(second, co_await call.requests->next());
  if (second) co_return Failure(Reason::BodyInvalid, "the request has more than one message");
  co_return *std::move(message);
}

loop::Task<call::Outcome> reply(call::Replies& replies, Bytes message) {
  Result<void> written = co_await replies.write(call::whole_message(std::move(message)));
  if (!written) co_return std::move(written.error());
  co_return call::Outcome();
}

Failure not_served(const call::Call& call) {
  return {Reason::MethodUnknown, std::string(call.method->full_name) + " is not served here"};
}

}  // namespace parley::service
