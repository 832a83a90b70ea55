#pragma once

#include <string>

#include "simulation/client.h"

namespace parley::simulation {

// A client with one HTTP/1.1 connection that it keeps: one request after the other.
loop::Task<void> run_http1_client(ClientContext& context, Draw draw, std::string name);
// The same, but it sends all its requests at once and then reads the answers.
loop::Task<void> run_pipelining_client(ClientContext& context, Draw draw, std::string name);

}  // namespace parley::simulation
