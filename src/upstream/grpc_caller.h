#pragma once

#include "call/call.h"
#include "upstream/cluster.h"

namespace parley::upstream {

// Serves calls by asking an upstream over gRPC (gRPC over HTTP/2). Messages pass through as they
// are, in parts; statuses, metadata and HTTP/2 errors are mapped by gRPC's own tables. A request
// that provably never reached the upstream is sent once more, to another endpoint where there is
// one.
class GrpcCaller final : public call::CallService {
 public:
  explicit GrpcCaller(Cluster& cluster) : cluster_(cluster) {}

  loop::Task<call::Outcome> serve(call::Call& call, call::Replies& replies) override;

 private:
  Cluster& cluster_;
};

}  // namespace parley::upstream
