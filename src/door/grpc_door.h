#pragma once

#include <string_view>

#include "door/catalogue.h"
#include "door/metadata.h"
#include "http/exchange.h"
#include "loop/loop.h"

namespace parley::door {

// Whether a request speaks gRPC, or one of its relatives: its content type begins with
// "application/grpc".
bool speaks_grpc(const http::RequestHead& head);

// Serves one exchange over gRPC (gRPC over HTTP/2), to its end. Messages pass through in parts, as
// they come, with their compression flags; they are not decoded. The answer is HTTP 200 and a
// grpc-status, but for what is no gRPC at all: 415 for other content types (gRPC over HTTP/2,
// "Requests"), 505 below HTTP/2.
loop::Task<void> serve_grpc(http::Exchange& exchange, Catalogue& catalogue, loop::Loop& loop,
                            Counts& counts);

}  // namespace parley::door
