#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/fields.h"
#include "base/result.h"
#include "contract/model.h"
#include "door/settings.h"

namespace parley::door {

// grpc-timeout: at most 8 digits and a unit of H, M, S, m, u or n (gRPC over HTTP/2, "Requests").
std::optional<Duration> parse_grpc_timeout(std::string_view text);

// X-Request-Timeout: decimal seconds, or milliseconds with "ms": "2.5", "250ms". At most 9 digits
// before the point and 9 after it.
std::optional<Duration> parse_request_timeout(std::string_view text);

// When a call must have ended: what the client and the settings allow, the smallest wins, counted
// from `started`. Failures: TimeoutInvalid for a bad value, DeadlineExpired for zero.
// X-Request-Timeout counts with `rest` only.
Result<Instant> call_deadline(const Fields& request, Instant started,
                              const contract::Method& method, const Settings& settings, bool rest);

}  // namespace parley::door
