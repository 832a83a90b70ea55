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

Duration draw_stay(Draw& draw) {
  return draw.one_in(3) ? draw.time(Duration(0), std::chrono::seconds(15)) : Duration::zero();
}

const ClientKind& draw_client(Draw& draw) {
  return draw.weighted(std::span<const ClientKind>(kKinds));
}

}  // namespace parley::simulation
