#pragma once

#include "call/call.h"
#include "service/reflection_index.h"

namespace parley::service {

// Where reflection looks. The gateway's, per shard.
class ReflectionSource {
 public:
  virtual ~ReflectionSource() = default;
  // Asked once at the start of a call. The index lives as long as the call does: it belongs to the
  // snapshot that the call holds.
  virtual const ReflectionIndex& reflection() const = 0;
};

// grpc.reflection.v1.ServerReflection, and v1alpha, which has the same messages.
class Reflection final : public call::CallService {
 public:
  // `source` is borrowed for the service's life.
  explicit Reflection(const ReflectionSource& source) : source_(source) {}

  loop::Task<call::Outcome> serve(call::Call& call, call::Replies& replies) override;

 private:
  const ReflectionSource& source_;
};

}  // namespace parley::service
