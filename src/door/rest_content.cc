#include "door/rest_content.h"

#include <fmt/format.h>

#include "base/ascii.h"
#include "door/media_type.h"
#include "wire/grpc_compression.h"

namespace parley::door {
namespace {

// What `curl -d` and HTML forms send by themselves.
bool sent_by_default(const MediaType& media) {
  return media.is("application", "x-www-form-urlencoded") || media.is("multipart", "form-data") ||
         media.is("text", "plain");
}

bool is_json(const MediaType& media, bool patch) {
  if (!ascii_equal(media.type, "application")) return false;
  const std::string subtype = ascii_lowered(media.subtype);
  if (subtype == "merge-patch+json") return patch;
  return subtype == "json" || (subtype.size() > 5 && subtype.ends_with("+json"));
}

Result<void> check_json_type(const http::RequestHead& head) {
  const auto text = head.fields.find(FieldId::ContentType);
  const bool once = head.fields.count(FieldId::ContentType) <= 1;
  if (!text || (once && *text == "application/json")) return {};
  const bool patch = head.verb() == "PATCH";
  const auto refused = [patch](std::string message) {
    Failure failure(Reason::MediaTypeUnsupported, std::move(message));
    if (patch) {
      failure.field("accept-patch", "application/json, application/merge-patch+json");
    } else {
      failure.field("accept", "application/json");
    }
    return failure;
  };
  if (!once) return refused("the request has more than one content-type");
  const auto media = MediaType::parse(*text);
  if (!media) return refused("the content-type is not a media type");
  if (!is_json(*media, patch)) {
    const std::string_view hint =
        sent_by_default(*media) ? "; with curl, send JSON by --json instead of -d" : "";
    return refused(
        fmt::format("the content must be JSON, not {}/{}{}", media->type, media->subtype, hint));
  }
  const auto charset = media->parameter("charset").value_or("utf-8");
  if (!ascii_equal(charset, "utf-8")) return refused(fmt::format("JSON is UTF-8, not {}", charset));
  return {};
}

Result<wire::MessageEncoding> content_encoding(const Fields& request) {
  const auto text = request.find(FieldId::ContentEncoding);
  if (!text) return wire::MessageEncoding::Identity;
  const std::string_view name = trim_ows(*text);
  if (request.count(FieldId::ContentEncoding) == 1) {
    if (ascii_equal(name, "identity")) return wire::MessageEncoding::Identity;
    if (ascii_equal(name, "gzip") || ascii_equal(name, "x-gzip"))
      return wire::MessageEncoding::Gzip;
  }
  return Failure(Reason::EncodingUnsupported, "this content-encoding is not taken")
      .field("accept-encoding", "gzip, identity");
}

Failure too_large(uint32_t bytes_max) {
  Failure failure(Reason::BodyTooLarge, fmt::format("the body is larger than {} bytes", bytes_max));
  failure.with_limit("message_bytes_max");
  return failure;
}

Failure unexpected() {
  return Failure(Reason::BodyUnexpected,
                 "this method takes its request from the path and the query, not from a body");
}

}  // namespace

bool is_http_body(const contract::Message* message) {
  return message != nullptr && message->well_known == contract::WellKnown::HttpBody;
}

ContentKind content_kind(const contract::HttpRule& rule, const contract::Method& method) {
  if (rule.body.empty()) return ContentKind::None;
  const bool plain = rule.body_field == nullptr
                         ? is_http_body(method.input)
                         : !rule.body_field->repeated && is_http_body(rule.body_field->message);
  return plain ? ContentKind::Plain : ContentKind::Json;
}

Result<void> check_content(const http::Exchange& exchange, ContentKind kind, uint32_t bytes_max) {
  const uint64_t length = exchange.content_length().value_or(0);
  if (kind == ContentKind::None) {
    if (length > 0) return unexpected();
    return {};
  }
  if (kind == ContentKind::Json) TRY_VOID(check_json_type(exchange.request()));
  if (const auto encoding = content_encoding(exchange.request().fields); !encoding)
    return encoding.error().clone();
  if (length > bytes_max) return too_large(bytes_max);
  return {};
}

loop::Task<Result<Bytes>> read_content(http::Exchange& exchange, ContentKind kind,
                                       uint32_t bytes_max) {
  Bytes first;
  ByteBuffer gathered;
  while (!exchange.request_ended()) {
    CO_TRY(chunk, co_await exchange.read());
    if (chunk.empty()) break;
    if (kind == ContentKind::None) co_return unexpected();
    const size_t before = first.size() + gathered.size();
    if (chunk.size() > bytes_max - before) co_return too_large(bytes_max);
    if (before == 0) {
      first = std::move(chunk);
      continue;
    }
    if (!first.empty()) {
      gathered.reserve(exchange.content_length().value_or(0));
      gathered.append(first.view());
      first = Bytes();
    }
    gathered.append(chunk.view());
  }
  if (!gathered.empty()) first = gathered.take();
  CO_TRY(encoding, content_encoding(exchange.request().fields));
  if (encoding == wire::MessageEncoding::Identity || first.empty()) co_return first;
  co_return wire::decompress_message(encoding, first.view(), {.bytes_max = bytes_max});
}

}  // namespace parley::door
