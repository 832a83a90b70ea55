#pragma once

#include "base/result.h"
#include "contract/load.h"
#include "loop/task.h"
#include "upstream/cluster.h"

namespace parley::upstream {

// Asks an upstream for its contract by server reflection: grpc.reflection.v1, else v1alpha. Gives
// the files of every service that it lists (but those of gRPC itself), with their imports. An
// import that the upstream does not have is left out: the loader says who needs it.
//
// Failures: UpstreamUnavailable (not reachable now), Unimplemented (no reflection: the message says
// what to do instead), UpstreamMalformed.
loop::Task<Result<contract::Source>> fetch_contract(Cluster& cluster);

}  // namespace parley::upstream
