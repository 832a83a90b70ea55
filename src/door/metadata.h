#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/fields.h"
#include "base/result.h"
#include "call/call.h"
#include "door/settings.h"
#include "http/exchange.h"

namespace parley::door {

// What doors count, for metrics.
struct Counts {
  uint64_t metadata_dropped = 0;  // fields that could not become metadata
};

// What a client's header is turned into metadata with.
struct MetadataRules {
  const MetadataSettings& settings;
  // What the upstream takes as header list; a part of it is kept for the fields of the call itself.
  uint32_t bytes_max = 0;
  std::string_view upstream;  // its name, for failures
  const call::Peer& peer;
  Arena& scratch;
  Counts& counts;
};

// The metadata of a REST call: `authorization`, `x-*`, `traceparent`, `tracestate`, `baggage`,
// `accept-language` and what the settings add; `user-agent` as `x-forwarded-user-agent`; and of our
// own x-forwarded-for, -proto, -host, -client-cert and x-request-id. Never hop-by-hop fields,
// grpc-*, x-parley-*, nor what a client says of how it was forwarded. Failures: MetadataInvalid for
// a `-bin` field that is not base64, MetadataTooLarge.
Result<Fields> rest_metadata(const http::Exchange& exchange, const MetadataRules& rules);

// The metadata of a gRPC call: all that gRPC allows as such (gRPC over HTTP/2,
// "Custom-Metadata"), without what is of the connection or of the call, and the same of our own but
// for the user agent, which passes under its own name. Failures as above.
Result<Fields> grpc_metadata(const http::Exchange& exchange, const MetadataRules& rules);

// Adds to a REST answer what of the upstream's metadata is for the client: `location`, `etag`,
// `cache-control`, `link`, `www-authenticate`, `x-*`, and what the settings add. Of fields that
// stand once, the first counts.
void add_client_fields(const Fields& metadata, const MetadataSettings& settings, Fields& out);

// The same for a gRPC answer's header or trailers: everything that is metadata.
void add_grpc_fields(const Fields& metadata, Fields& out);

}  // namespace parley::door
