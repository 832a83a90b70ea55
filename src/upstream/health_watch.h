#pragma once

#include <optional>
#include <string>

#include "call/call.h"
#include "upstream/cluster.h"
#include "upstream/grpc_caller.h"

namespace parley::upstream {

// What an upstream says of one of its services through grpc.health.v1.Health/Watch. Asked again
// when the stream breaks; an upstream without a health service is asked again when it comes back.
class HealthWatch final : private call::Messages, private call::Replies {
 public:
  // `service` "": the upstream as a whole. `changed` is notified when serving() changes. Both are
  // borrowed.
  HealthWatch(Cluster& cluster, std::string service, loop::Signal& changed);

  // nullopt: the upstream does not say; then it is healthy while it is connected.
  std::optional<bool> serving() const { return serving_; }
  const std::string& service() const { return service_; }

  // Watches until it is destroyed.
  loop::Task<void> run();

 private:
  loop::Task<Result<std::optional<call::MessagePart>>> next() override;
  void metadata(Fields) override {}
  loop::Task<Result<void>> write(call::MessagePart part) override;
  void set(std::optional<bool> serving);

  Cluster& cluster_;
  GrpcCaller caller_;
  const std::string service_;
  loop::Signal& changed_;
  contract::Method method_;
  bool asked_ = false;  // the request of this stream was sent
  std::string gathered_;
  std::optional<bool> serving_;
};

}  // namespace parley::upstream
