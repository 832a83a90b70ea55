#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/failure.h"
#include "base/fields.h"
#include "call/call.h"

namespace parley::upstream {

// The outcome that trailers say: grpc-status, grpc-message, grpc-status-details-bin. `trailers` may
// be the head of a trailers-only answer. The outcome's own trailers are the trailing metadata;
// grpc-status-details-bin stays in them, so that gRPC clients get it as it came. Without a readable
// grpc-status: Reason::UpstreamMalformed.
call::Outcome outcome_of(const Fields& trailers);

// What an answer that is no gRPC at all means (gRPC, http-grpc-status-mapping.md).
Failure failure_of_http_status(uint16_t status);

// What RST_STREAM means (gRPC over HTTP/2, "Errors"). `code`: an HTTP/2 error code.
Failure failure_of_reset(int64_t code);

// The fields that are metadata: no pseudo fields, no framing, nothing of grpc's own but
// grpc-encoding.
Fields metadata_of(const Fields& head);

// `remaining` as the value of grpc-timeout: at most eight digits and a unit, rounded up. At least
// "1n".
std::string grpc_timeout_text(Duration remaining);

}  // namespace parley::upstream
