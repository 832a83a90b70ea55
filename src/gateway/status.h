#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "net/tls_settings.h"
#include "observe/metrics.h"
#include "service/admin.h"

namespace parley::gateway {

// A certificate that is in use.
struct ShownCertificate {
  std::string_view shown_by;  // "listener", "upstream"
  std::string name;           // of the listener or upstream
  net::CertificateExpiry certificate;
};

// What the gateway knows of itself, for /readyz, /metrics and health: written by the control
// thread, read by whichever shard is asked.
class Status final : public service::ReadinessSource, public service::MetricsSource {
 public:
  // Each shard's counters, which live as long as this. Before the shards run.
  void add(const observe::Metrics& metrics) { metrics_.push_back(&metrics); }

  void set_readiness(service::Readiness readiness);
  void set_certificates(std::vector<ShownCertificate> certificates);
  void count_reload(bool taken) { (taken ? reloads_taken_ : reloads_refused_).fetch_add(1); }
  bool draining() const { return draining_.load(std::memory_order_relaxed); }

  service::Readiness readiness() override;
  loop::Task<Bytes> metrics_text() override;

 private:
  std::string expiry_text();

  std::vector<const observe::Metrics*> metrics_;  // constant once the shards run
  std::atomic<bool> draining_ = false;
  std::atomic<uint64_t> reloads_taken_ = 0;
  std::atomic<uint64_t> reloads_refused_ = 0;
  std::mutex mutex_;
  // Guarded by mutex_:
  service::Readiness readiness_;
  std::vector<ShownCertificate> certificates_;
};

}  // namespace parley::gateway
