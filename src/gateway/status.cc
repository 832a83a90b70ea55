#include "gateway/status.h"

#include <fmt/format.h>

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
  text.append(
      fmt::format("# HELP parley_reloads_total Changed settings, contracts and certificates, and "
                  "whether they were taken.\n"
                  "# TYPE parley_reloads_total counter\n"
                  "parley_reloads_total{{result=\"taken\"}} {}\n"
                  "parley_reloads_total{{result=\"refused\"}} {}\n",
                  reloads_taken_.load(), reloads_refused_.load()));
  co_return text.take();
}

}  // namespace parley::gateway
