#include "door/rest_reply.h"

#include <fmt/format.h>

#include "door/media_type.h"
#include "door/rest_content.h"
#include "wire/grpc_compression.h"
#include "wire/wire_reader.h"

namespace parley::door {
namespace {

Failure upstream_failure(Reason reason, std::string message) {
  Failure failure(reason, std::move(message));
  failure.from(Origin::Upstream);
  return failure;
}

// google.api.HttpBody: string content_type = 1; bytes data = 2. Views into the message.
struct HttpBody {
  std::string_view content_type;
  std::string_view data;
};

Result<void> read_http_body(std::string_view wire, HttpBody& body) {
  wire::WireReader reader(wire);
  while (reader.next()) {
    switch (reader.number()) {
      case 1: body.content_type = reader.bytes_or(body.content_type); break;
      case 2: body.data = reader.bytes_or(body.data); break;
      default: reader.skip();
    }
  }
  if (reader.failed())
    return upstream_failure(Reason::UpstreamMalformed, "the upstream's HttpBody is not valid");
  return {};
}

// Of a field that is there more than once the parts are merged.
Result<HttpBody> http_body_of(const ReplyFormat& format, std::string_view message) {
  HttpBody body;
  if (format.rule.response_field == nullptr) {
    TRY_VOID(read_http_body(message, body));
    return body;
  }
  wire::WireReader reader(message);
  const auto number = static_cast<uint32_t>(format.rule.response_field->number);
  while (reader.next()) {
    if (reader.number() != number) {
      reader.skip();
    } else {
      TRY_VOID(read_http_body(reader.bytes_or({}), body));
    }
  }
  if (reader.failed())
    return upstream_failure(Reason::UpstreamMalformed, "the upstream's message is not valid");
  return body;
}

// What is shown to the client is part of the answer's bytes: no copy.
Bytes shared_part(const Bytes& message, std::string_view part) {
  if (part.empty()) return {};
  return message.slice(static_cast<size_t>(part.data() - message.data()), part.size());
}

Result<void> append_json(const ReplyFormat& format, const Bytes& message, ByteBuffer& out) {
  out.reserve(out.size() + message.size() * 5 / 2 + 64);
  const wire::Program& program = format.exposed.programs->of(*format.exposed.method->output);
  if (format.rule.response_field != nullptr)
    return wire::wire_to_json_field(program, *format.rule.response_field, message.view(),
                                    format.json, out);
  return wire::wire_to_json(program, message.view(), format.json, out);
}

}  // namespace

ReplyFormat::ReplyFormat(const Route& route, const SystemParameters& system)
    : exposed(*route.exposed), rule(*route.rule) {
  const RestSettings& settings = exposed.settings->rest;
  json.presence_set_only = settings.presence_set_only;
  json.int64_numbers = settings.int64_numbers;
  json.enum_numbers = settings.enum_numbers || system.enum_numbers;
  json.proto_names = settings.proto_names;
  json.unknown_any_as_base64 = settings.unknown_any_as_base64;
  json.pretty = system.pretty && !exposed.method->server_streaming;  // a message is a line there
  json.depth_max = settings.depth_max;
  json.selection = system.fields.root();
}

bool ReplyFormat::plain() const {
  if (rule.response_field == nullptr) return is_http_body(exposed.method->output);
  return !rule.response_field->repeated && is_http_body(rule.response_field->message);
}

Result<ReplyBody> encode_reply(const ReplyFormat& format, const Bytes& message) {
  if (format.plain()) {
    TRY(body, http_body_of(format, message.view()));
    const bool valid = content_type_valid(body.content_type);
    return ReplyBody{shared_part(message, body.data),
                     valid ? body.content_type : "application/octet-stream"};
  }
  ByteBuffer json;
  TRY_VOID(append_json(format, message, json));
  if (format.json.pretty) json.append('\n');
  return ReplyBody{json.take(), "application/json"};
}

std::unique_ptr<wire::JsonPieces> pieces_of(const ReplyFormat& format, const Bytes& message) {
  const wire::Program& program = format.exposed.programs->of(*format.exposed.method->output);
  return std::make_unique<wire::JsonPieces>(program, message.view(), format.json,
                                            format.rule.response_field);
}

Result<void> append_line(const ReplyFormat& format, const Bytes& message, ByteBuffer& out) {
  TRY_VOID(append_json(format, message, out));
  out.append('\n');
  return {};
}

Result<std::optional<Bytes>> ReplyAssembler::add(call::MessagePart part) {
  if (part.total > bytes_max_) {
    Failure failure = upstream_failure(
        Reason::UpstreamTooLarge,
        fmt::format("the upstream's message has {} bytes, more than {}", part.total, bytes_max_));
    failure.with_limit("message_bytes_max");
    return failure;
  }
  const bool compressed = part.compressed;
  if (!part.first || !part.last) {
    if (part.first) gathered_.reserve(part.total);
    gathered_.append(part.data.view());
    if (!part.last) return std::nullopt;
    part.data = gathered_.take();
  }
  if (!compressed) return std::move(part.data);
  const auto encoding = wire::message_encoding(encoding_);
  if (!encoding || *encoding == wire::MessageEncoding::Identity)
    return upstream_failure(Reason::UpstreamMalformed,
                            "the upstream's message is compressed in a way that nobody asked for");
  TRY(opened, wire::decompress_message(*encoding, part.data.view(),
                                       {.bytes_max = bytes_max_, .peer = Origin::Upstream}));
  return opened;
}

void UnaryReply::metadata(Fields metadata) {
  assembler_.set_encoding(metadata.find(FieldId::GrpcEncoding).value_or(""));
  metadata_ = std::move(metadata);
}

loop::Task<Result<void>> UnaryReply::write(call::MessagePart part) {
  auto message = assembler_.add(std::move(part));
  if (!message) {
    failure_ = message.error().clone();
    co_return std::move(message.error());
  }
  if (*message) {
    message_ = **std::move(message);
    ++messages_;
  }
  co_return {};
}

Result<Bytes> UnaryReply::take_message() {
  if (messages_ == 1) return std::move(message_);
  return upstream_failure(Reason::UpstreamMalformed,
                          messages_ == 0 ? "the upstream's answer has no message"
                                         : "the upstream's answer has several messages");
}

}  // namespace parley::door
