#pragma once

#include <string>

#include "base/failure.h"
#include "base/fields.h"
#include "door/settings.h"
#include "http/exchange.h"
#include "wire/program.h"

namespace parley::door {

// What an answer may need to know beside the failure. Any part may be missing.
struct AnswerContext {
  const Settings* settings = nullptr;
  const wire::Programs* types = nullptr;        // of the method's contract
  const wire::Programs* known_types = nullptr;  // google.rpc.*
  // The upstream's metadata, before and after the messages.
  const Fields* metadata = nullptr;
  const Fields* trailers = nullptr;
};

// The one place where failures become answers. No function here waits.

// RFC 9457: type, title, status, detail, code, request_id, errors, details.
std::string problem_json(const Failure& failure, const http::Exchange& exchange,
                         const AnswerContext& context);

// Answers a request over REST with its problem, and notes it in the record. REQUIRES: not begun.
void answer_problem(http::Exchange& exchange, const Failure& failure, const AnswerContext& context);

// Ends a gRPC answer: HTTP 200, the status in the trailers; trailers-only when nothing was sent.
void answer_grpc_failure(http::Exchange& exchange, const Failure& failure,
                         const AnswerContext& context);

// Notes code and reason in the record.
void note_failure(http::Record& record, const Failure& failure);

// Seconds of Retry-After, fractions rounded up; nullopt: the answer has none.
std::optional<int64_t> retry_after_seconds(const Failure& failure);

}  // namespace parley::door
