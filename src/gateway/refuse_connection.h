#pragma once

#include <memory>

#include "base/failure.h"
#include "http/server.h"
#include "loop/task.h"
#include "net/byte_stream.h"

namespace parley::gateway {

// Serves a connection that cannot stay, for a short time: what it asks is refused with `failure`.
// `context` is borrowed for that time.
loop::Task<void> refuse_connection(std::unique_ptr<net::ByteStream> stream,
                                   const http::ServerContext& context, Failure failure);

}  // namespace parley::gateway
