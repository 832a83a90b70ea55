#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "call/call.h"

namespace parley::service {

// Whether requests should be sent here, and why not. All texts are for people, in one line.
struct Readiness {
  struct Upstream {
    std::string name;
    bool ready = false;
    std::string
        state;  // "12 methods, 2 endpoints connected", "no contract yet: connection refused"
  };
  bool ready = false;     // of the gateway as a whole: what an orchestrator acts on
  bool draining = false;  // it is shutting down
  std::vector<Upstream> upstreams;
  // What else an operator should know, ready or not: a contract that could not replace the one in
  // use, two upstreams that expose the same route.
  std::vector<std::string> problems;
};

class ReadinessSource {
 public:
  virtual ~ReadinessSource() = default;
  virtual Readiness readiness() = 0;
};

class MetricsSource {
 public:
  virtual ~MetricsSource() = default;
  // The metrics of all shards, as Prometheus' text format has them.
  virtual loop::Task<Bytes> metrics_text() = 0;
};

// parley.admin.v1.Admin: Healthz, Readyz, Metrics, each a google.api.HttpBody of plain text.
class Admin final : public call::CallService {
 public:
  // Both are borrowed for the service's life.
  Admin(ReadinessSource& readiness, MetricsSource& metrics)
      : readiness_(readiness), metrics_(metrics) {}

  loop::Task<call::Outcome> serve(call::Call& call, call::Replies& replies) override;

 private:
  loop::Task<call::Outcome> readyz(call::Replies& replies);

  ReadinessSource& readiness_;
  MetricsSource& metrics_;
};

}  // namespace parley::service
