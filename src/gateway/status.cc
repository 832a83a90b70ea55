#include "gateway/status.h"

#include "base/version.h"
#include "service/process_stats.h"

namespace parley::gateway {

void Status::set_readiness(service::Readiness readiness) {
  draining_.store(readiness.draining, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  readiness_ = std::move(readiness);
}

service::Readiness Status::readiness() {
  const std::lock_guard lock(mutex_);
  return readiness_;
}

loop::Task<Bytes> Status::metrics_text() {
  ByteBuffer text;
  observe::render_prometheus(metrics_, service::read_process_stats(kVersion), text);
  co_return text.take();
}

}  // namespace parley::gateway
