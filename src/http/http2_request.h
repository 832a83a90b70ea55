#pragma once

#include <optional>

#include "base/failure.h"
#include "http/exchange.h"

namespace parley::http {

// What nghttp2 leaves to us of a request's head: the forms of `:method`, `:scheme`, `:authority`,
// `host` and `:path` (RFC 9113, 8.3.1), by the rules that hold for HTTP/1.1, and our own limits.
// nghttp2 has seen to names, values, order, connection-specific fields and content-length. Makes a
// `host` the `:authority`. RequestMalformed, UrlTooLong, HeadersTooLarge or ExpectationFailed say
// why the request is refused.
// `over_unix`: the client came over a Unix socket, whose path gRPC takes for the authority.
std::optional<Failure> check_http2_head(const Settings& settings, Fields& fields, bool over_unix);

// `:method` and the others count for themselves, as in HTTP/1.1.
FieldLimits http2_head_limits(const Settings& settings);

// A list that takes no more: which limit of it was passed.
Failure http2_fields_too_large(const Settings& settings, const Fields& fields);

}  // namespace parley::http
