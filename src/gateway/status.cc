#include "gateway/status.h"

#include <map>

#include <fmt/format.h>

#include "base/version.h"
#include "observe/prometheus.h"
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

void Status::set_certificates(std::vector<ShownCertificate> certificates) {
  const std::lock_guard lock(mutex_);
  certificates_ = std::move(certificates);
}

// A file that is named twice is one series.
std::string Status::expiry_text() {
  constexpr std::string_view kName = "parley_tls_certificate_expiry_seconds";
  std::map<std::string, int64_t> series;
  const std::lock_guard lock(mutex_);
  for (const ShownCertificate& one : certificates_) {
    series[fmt::format("{}={},certificate={}", one.shown_by, observe::quoted(one.name),
                       observe::quoted(one.certificate.path))] = one.certificate.expires;
  }
  std::string text = fmt::format(
      "# HELP {} When a certificate that is in use expires, since the epoch.\n# TYPE {} gauge\n",
      kName, kName);
  for (const auto& [labels, expires] : series)
    text += fmt::format("{}{{{}}} {}\n", kName, labels, expires);
  return text;
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
  text.append(expiry_text());
  co_return text.take();
}

}  // namespace parley::gateway
