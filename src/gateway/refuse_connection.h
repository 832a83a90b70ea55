#pragma once

#include <memory>
#include <string_view>

#include "http/server.h"
#include "loop/task.h"
#include "net/byte_stream.h"

namespace parley::gateway {

// Serves a connection that is one too many, for a short time: what it asks is refused, and the
// answer names the limit, a literal. `context` is borrowed for that time.
loop::Task<void> refuse_connection(std::unique_ptr<net::ByteStream> stream,
                                   const http::ServerContext& context, std::string_view limit);

}  // namespace parley::gateway
