#include "simulation/client.h"

#include <array>
#include <span>

#include "simulation/http1_client.h"
#include "simulation/http2_client.h"

namespace parley::simulation {
namespace {

constexpr std::array<ClientKind, 3> kKinds = {{
    {"h2", 4, run_http2_client},
    {"h1", 3, run_http1_client},
    {"pipe", 1, run_pipelining_client},
}};

}  // namespace

const ClientKind& draw_client(Draw& draw) {
  return draw.weighted(std::span<const ClientKind>(kKinds));
}

}  // namespace parley::simulation
