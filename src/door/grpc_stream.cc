#include "door/grpc_stream.h"

#include <algorithm>

#include <fmt/format.h>

#include "door/metadata.h"

namespace parley::door {
namespace {

// Parts from this size on leave as they are; smaller ones are copied next to their frame's header.
constexpr size_t kShareFrom = 4096;

Fields head_fields(const http::Exchange& exchange) {
  Fields fields;
  fields.add(FieldId::ContentType, "application/grpc");
  fields.add(FieldId::XRequestId, exchange.record().request_id);
  return fields;
}

// Whether the frame that begins here is whole, or as much of it as is worth waiting for.
bool holds_first_frame(std::string_view begun) {
  if (begun.size() < wire::kFrameHeaderSize) return false;
  const size_t whole = wire::kFrameHeaderSize + wire::frame_length(begun.data());
  return begun.size() >= std::min(whole, GrpcMessages::kAheadMax);
}

}  // namespace

GrpcMessages::GrpcMessages(http::Exchange& exchange, uint32_t bytes_max, bool compressed,
                           bool streaming)
    : exchange_(exchange),
      streaming_(streaming),
      frames_({.message_bytes_max = bytes_max,
               .flags_allowed = compressed ? wire::kFlagCompressed : uint8_t{0},
               .peer = Origin::Client}) {
  if (streaming_) exchange_.let_body_pause();
}

loop::Task<Result<void>> GrpcMessages::arrive() {
  ByteBuffer begun;
  for (;;) {
    CO_TRY(chunk, co_await exchange_.read());
    if (begun.empty() && (chunk.empty() || holds_first_frame(chunk.view()))) {
      chunk_ = std::move(chunk);
      co_return {};
    }
    begun.append(chunk.view());
    if (chunk.empty() || holds_first_frame(begun.view())) break;
  }
  chunk_ = begun.take();
  co_return {};
}

loop::Task<Result<std::optional<call::MessagePart>>> GrpcMessages::next() {
  for (;;) {
    CO_TRY(part, frames_.next(chunk_));
    if (part) {
      if (part->first && ++messages_ > 1 && !streaming_)
        co_return Failure(Reason::BodyInvalid, "this method takes one message, not several");
      co_return call::MessagePart{std::move(part->payload), part->total,
                                  (part->flags & wire::kFlagCompressed) != 0, part->first,
                                  part->last};
    }
    CO_TRY(chunk, co_await exchange_.read());
    if (!chunk.empty()) {
      chunk_ = std::move(chunk);
      continue;
    }
    CO_TRY_VOID(frames_.finish());
    if (messages_ == 0 && !streaming_)
      co_return Failure(Reason::BodyInvalid, "this method takes one message, not none");
    co_return std::nullopt;
  }
}

void GrpcReplies::metadata(Fields metadata) {
  if (exchange_.begun()) return;
  Fields fields = head_fields(exchange_);
  if (const auto encoding = metadata.find(FieldId::GrpcEncoding))
    fields.add(FieldId::GrpcEncoding, *encoding);
  add_grpc_fields(metadata, fields);
  exchange_.begin({200, std::move(fields)});
}

loop::Task<Result<void>> GrpcReplies::write(call::MessagePart part) {
  if (!exchange_.begun()) metadata({});
  if (!part.first) co_return co_await exchange_.write(std::move(part.data));
  const auto header =
      wire::frame_header(part.compressed ? wire::kFlagCompressed : uint8_t{0}, part.total);
  const std::string_view header_text(header.data(), header.size());
  if (part.data.size() >= kShareFrom) {
    CO_TRY_VOID(co_await exchange_.write(Bytes::copy(header_text)));
    co_return co_await exchange_.write(std::move(part.data));
  }
  ByteBuffer framed(header.size() + part.data.size());
  framed.append(header_text);
  framed.append(part.data.view());
  co_return co_await exchange_.write(framed.take());
}

void GrpcReplies::finish(const Fields& trailers) {
  exchange_.record().code_known = true;
  const bool trailers_only = !exchange_.begun();
  Fields fields = trailers_only ? head_fields(exchange_) : Fields();
  fields.add(FieldId::GrpcStatus, "0");
  if (const auto details = trailers.find(FieldId::GrpcStatusDetailsBin))
    fields.add(FieldId::GrpcStatusDetailsBin, *details);
  add_grpc_fields(trailers, fields);
  if (trailers_only) {
    exchange_.begin({200, std::move(fields)}, true);
  } else {
    exchange_.finish(std::move(fields));
  }
}

}  // namespace parley::door
