#include "door/stream_reply.h"

#include "door/metadata.h"

namespace parley::door {

StreamReply::StreamReply(http::Exchange& exchange, loop::Loop& loop, const ReplyFormat& format,
                         std::string_view content_type, const AnswerContext& context)
    : exchange_(exchange),
      loop_(loop),
      format_(format),
      content_type_(content_type),
      context_(context),
      assembler_(format.exposed.settings->message_bytes_max) {
  context_.metadata = &metadata_;
}

void StreamReply::start() {
  // The content type of an HttpBody is only known with its first message.
  if (format_.plain()) return;
  loop_.add_timer(*this,
                  deadline_after(loop_.now(), format_.exposed.settings->rest.stream_status_wait));
}

void StreamReply::answer_head() {
  exchange_.record().code_known = true;
  http::ResponseHead head;
  if (!format_.plain()) head.fields.add(FieldId::ContentType, content_type_);
  head.fields.add(FieldId::XRequestId, exchange_.record().request_id);
  exchange_.begin(std::move(head), true);
}

void StreamReply::fire() {
  if (!exchange_.begun()) begin(content_type_);
}

void StreamReply::metadata(Fields metadata) {
  assembler_.set_encoding(metadata.find(FieldId::GrpcEncoding).value_or(""));
  metadata_ = std::move(metadata);
}

void StreamReply::begin(std::string_view content_type) {
  unlink();
  http::ResponseHead head;
  head.fields.add(FieldId::ContentType, content_type);
  head.fields.add(FieldId::XRequestId, exchange_.record().request_id);
  add_client_fields(metadata_, context_.settings->metadata, head.fields);
  exchange_.begin(std::move(head));
}

loop::Task<Result<void>> StreamReply::write(call::MessagePart part) {
  auto message = assembler_.add(std::move(part));
  if (!message) {
    failure_ = message.error().clone();
    co_return std::move(message.error());
  }
  if (!*message) co_return {};
  co_return co_await write_message(**std::move(message));
}

loop::Task<Result<void>> StreamReply::write_message(Bytes message) {
  ReplyBody body;
  if (format_.plain()) {
    auto encoded = encode_reply(format_, message);
    if (encoded) {
      body = *std::move(encoded);
    } else {
      failure_ = std::move(encoded.error());
    }
  } else {
    ByteBuffer line;
    if (auto appended = append_line(format_, message, line); !appended)
      failure_ = std::move(appended.error());
    body.bytes = line.take();
  }
  if (failure_) co_return failure_->clone();
  if (!exchange_.begun()) begin(format_.plain() ? body.content_type : content_type_);
  if (body.bytes.empty()) co_return {};
  co_return co_await exchange_.write(std::move(body.bytes));
}

loop::Task<void> StreamReply::finish(Result<call::Outcome> outcome) {
  unlink();
  if (failure_) co_return co_await fail(*failure_);
  if (!outcome) co_return co_await fail(outcome.error());
  context_.trailers = &outcome->trailers;
  if (!outcome->ok()) co_return co_await fail(*outcome->failure);
  exchange_.record().code_known = true;
  if (!exchange_.begun()) begin(format_.plain() ? "application/octet-stream" : content_type_);
  exchange_.finish();
}

// Before the status a failure has its own; behind it, it is the last line. Bytes that are no lines
// have no place for it: the client sees that the answer broke off.
loop::Task<void> StreamReply::fail(const Failure& failure) {
  if (!exchange_.begun()) {
    answer_problem(exchange_, failure, context_);
    co_return;
  }
  note_failure(exchange_.record(), failure);
  if (format_.plain()) {
    exchange_.reset(failure.code());
    co_return;
  }
  const std::string line = "{\"error\":" + problem_json(failure, exchange_, context_) + "}\n";
  if (co_await exchange_.write(Bytes::copy(line))) exchange_.finish();
}

}  // namespace parley::door
