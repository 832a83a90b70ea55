#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "call/call.h"
#include "loop/loop.h"

namespace parley::service {

// grpc.health.v1.HealthCheckResponse.ServingStatus.
enum class Serving : uint8_t { Unknown = 0, Serving = 1, NotServing = 2, ServiceUnknown = 3 };

// What one shard knows of its upstreams' health. The gateway's; it outlives every reload.
class HealthSource {
 public:
  virtual ~HealthSource() = default;
  // Of a service by its full name, as its upstream is; "" is the gateway as a whole.
  // ServiceUnknown: no such service is exposed.
  virtual Serving status_of(std::string_view service) const = 0;
  // The full names of the exposed services.
  virtual std::vector<std::string> services() const = 0;
  // Notified when any answer of the above may have changed.
  virtual loop::Signal& changed() = 0;
};

// grpc.health.v1.Health: Check, List, Watch.
class Health final : public call::CallService {
 public:
  // `source` is borrowed for the service's life.
  explicit Health(HealthSource& source) : source_(source) {}

  loop::Task<call::Outcome> serve(call::Call& call, call::Replies& replies) override;

  static constexpr size_t kListMax = 1000;  // services in one answer of List

 private:
  loop::Task<call::Outcome> check(std::string_view service, call::Replies& replies);
  loop::Task<call::Outcome> list(call::Replies& replies);
  loop::Task<call::Outcome> watch(std::string service, call::Replies& replies);

  HealthSource& source_;
};

}  // namespace parley::service
