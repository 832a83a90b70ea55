#pragma once

#include <string>

#include "simulation/client.h"

namespace parley::simulation {

// A client with one HTTP/2 connection and many streams on it: gRPC of every kind of streaming, and
// REST.
loop::Task<void> run_http2_client(ClientContext& context, Draw draw, std::string name);

}  // namespace parley::simulation
