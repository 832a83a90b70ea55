#include "door/responder.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/percent.h"
#include "door/metadata.h"
#include "wire/rpc_status.h"

namespace parley::door {
namespace {

constexpr int64_t kRetryAfterDefault = 1;  // seconds

// `www-authenticate`, which a 401 must have (RFC 9110, 11.6.1).
void add_challenge(const Failure& failure, Fields& fields) {
  if (failure.http_status() == 401 && !fields.find(FieldId::WwwAuthenticate))
    fields.add(FieldId::WwwAuthenticate, "Bearer");
}

void add_own_fields(const Failure& failure, Fields& fields) {
  for (const Field field : failure.fields()) fields.add(field.name, field.value);
  if (const auto seconds = retry_after_seconds(failure))
    fields.set(FieldId::RetryAfter, fmt::to_string(*seconds));
  add_challenge(failure, fields);
}

// HTTP/1.1 may have lost where the next request begins. Over HTTP/2 the failure is one stream's.
void close_if_http1(http::Exchange& exchange, const Failure& failure) {
  const bool http1 = exchange.version() <= http::Version::Http11;
  if (http1 && failure.closes_connection()) exchange.close_after();
}

void add_upstream_fields(const AnswerContext& context, Fields& fields) {
  if (context.settings == nullptr) return;
  if (context.metadata) add_client_fields(*context.metadata, context.settings->metadata, fields);
  if (context.trailers) add_client_fields(*context.trailers, context.settings->metadata, fields);
}

// google.rpc.Status for grpc-status-details-bin: as the upstream sent it, else our own.
void add_status_details(const Failure& failure, const AnswerContext& context, Fields& trailers) {
  if (context.trailers) {
    if (const auto sent = context.trailers->find(FieldId::GrpcStatusDetailsBin)) {
      trailers.add(FieldId::GrpcStatusDetailsBin, *sent);
      return;
    }
  }
  const wire::RpcStatus status = wire::rpc_status_of(failure);
  if (status.details.empty()) return;
  trailers.add(FieldId::GrpcStatusDetailsBin, base64_encode(wire::write_rpc_status(status)));
}

}  // namespace

std::optional<int64_t> retry_after_seconds(const Failure& failure) {
  if (const auto delay = failure.retry_after()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*delay).count();
    return seconds < 0 ? 0 : seconds;
  }
  if (failure.http_status() == 503) return kRetryAfterDefault;
  return std::nullopt;
}

void note_failure(http::Record& record, const Failure& failure) {
  record.code = failure.code();
  record.code_known = true;
  record.limit = failure.limit_name();
  record.reason = reason_row(failure.reason()).name;
  const std::string& detail = failure.detail().empty() ? failure.message() : failure.detail();
  if (detail.empty()) return;
  if (!record.reason.empty()) record.reason += ": ";
  record.reason += detail;
}

void answer_problem(http::Exchange& exchange, const Failure& failure,
                    const AnswerContext& context) {
  note_failure(exchange.record(), failure);
  close_if_http1(exchange, failure);
  const std::string body = problem_json(failure, exchange, context);
  http::ResponseHead head;
  head.status = failure.http_status();
  head.fields.add(FieldId::ContentType, "application/problem+json");
  head.fields.add(FieldId::ContentLength, fmt::to_string(body.size()));
  head.fields.add(FieldId::XRequestId, exchange.record().request_id);
  add_upstream_fields(context, head.fields);
  add_own_fields(failure, head.fields);
  const bool bodiless = exchange.request().verb() == "HEAD";
  exchange.begin(std::move(head), bodiless);
  if (!bodiless) exchange.finish_with(Bytes::copy(body));
}

void answer_grpc_failure(http::Exchange& exchange, const Failure& failure,
                         const AnswerContext& context) {
  note_failure(exchange.record(), failure);
  close_if_http1(exchange, failure);
  Fields trailers;
  const bool trailers_only = !exchange.begun();
  if (trailers_only) {
    trailers.add(FieldId::ContentType, "application/grpc");
    trailers.add(FieldId::XRequestId, exchange.record().request_id);
  }
  trailers.add(FieldId::GrpcStatus, fmt::to_string(static_cast<unsigned>(failure.code())));
  if (!failure.message().empty())
    trailers.add(FieldId::GrpcMessage, grpc_message_encode(failure.message()));
  add_status_details(failure, context, trailers);
  if (context.trailers) add_grpc_fields(*context.trailers, trailers);
  if (trailers_only) {
    exchange.begin({200, std::move(trailers)}, true);
  } else {
    exchange.finish(std::move(trailers));
  }
}

}  // namespace parley::door
