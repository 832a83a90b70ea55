#include "door/door.h"

#include "door/grpc_door.h"
#include "door/request_id.h"
#include "door/responder.h"
#include "door/rest_door.h"

namespace parley::door {
namespace {

bool is_grpc_call(const http::Exchange& exchange) {
  return exchange.version() >= http::Version::Http2 && speaks_grpc(exchange.request());
}

void answer_failure(http::Exchange& exchange, const Failure& failure,
                    const AnswerContext& context) {
  if (exchange.begun()) {
    note_failure(exchange.record(), failure);
    exchange.reset(failure.code());
  } else if (is_grpc_call(exchange)) {
    answer_grpc_failure(exchange, failure, context);
  } else {
    answer_problem(exchange, failure, context);
  }
}

}  // namespace

bool Doors::greet(http::Exchange& exchange) {
  const auto sent = exchange.request().fields.find(FieldId::XRequestId);
  http::Record& record = exchange.record();
  record.request_id = request_id(sent.value_or(""), loop_.random());
  const bool grpc = speaks_grpc(exchange.request());
  record.protocol = grpc ? "grpc" : "rest";
  return grpc;
}

loop::Task<void> Doors::serve(http::Exchange& exchange) {
  const bool grpc = greet(exchange);
  const CatalogueRef catalogue = catalogue_;  // the call keeps what it started with
  if (!catalogue) {
    const Failure failure(Reason::ContractPending, "the gateway is starting");
    co_return answer_failure(exchange, failure, {});
  }
  if (grpc) {
    co_await serve_grpc(exchange, *catalogue, loop_, counts_);
  } else {
    co_await serve_rest(exchange, *catalogue, loop_, counts_);
  }
}

loop::Task<void> Doors::refuse(http::Exchange& exchange, Failure failure) {
  greet(exchange);
  AnswerContext context;
  if (catalogue_) context.settings = &catalogue_->settings();
  answer_failure(exchange, failure, context);
  co_return;
}

}  // namespace parley::door
