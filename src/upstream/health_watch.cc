#include "upstream/health_watch.h"

#include "wire/wire_reader.h"
#include "wire/wire_writer.h"

namespace parley::upstream {
namespace {

constexpr Duration kAskAgain = std::chrono::seconds(1);
constexpr size_t kAnswerBytesMax = 4096;

// grpc.health.v1.HealthCheckResponse.ServingStatus.
constexpr uint64_t kServing = 1;
constexpr uint64_t kServiceUnknown = 3;

// HealthCheckResponse: ServingStatus status = 1.
uint64_t status_in(std::string_view response) {
  uint64_t status = 0;
  wire::WireReader reader(response);
  while (reader.next()) {
    if (reader.number() == 1) {
      status = reader.varint_or(status);
    } else {
      reader.skip();
    }
  }
  return status;
}

}  // namespace

HealthWatch::HealthWatch(Cluster& cluster, std::string service, loop::Signal& changed)
    : cluster_(cluster), caller_(cluster), service_(std::move(service)), changed_(changed) {
  method_.path = "/grpc.health.v1.Health/Watch";
  method_.server_streaming = true;
}

loop::Task<void> HealthWatch::run() {
  for (;;) {
    while (!cluster_.connected()) co_await cluster_.changed().wait();
    asked_ = false;
    gathered_.clear();
    call::Call call;
    call.method = &method_;
    call.requests = this;
    const call::Outcome outcome = co_await caller_.serve(call, *this);
    set(std::nullopt);
    if (outcome.code() == Code::Unimplemented) {
      while (cluster_.connected()) co_await cluster_.changed().wait();
    } else {
      co_await loop::sleep_for(cluster_.loop(), kAskAgain);
    }
  }
}

// HealthCheckRequest: string service = 1.
loop::Task<Result<std::optional<call::MessagePart>>> HealthWatch::next() {
  if (asked_) co_return std::optional<call::MessagePart>();
  asked_ = true;
  ByteBuffer request;
  if (!service_.empty()) wire::append_bytes_field(request, 1, service_);
  co_return std::optional(call::whole_message(request.take()));
}

loop::Task<Result<void>> HealthWatch::write(call::MessagePart part) {
  gathered_.append(part.data.view());
  if (part.compressed || gathered_.size() > kAnswerBytesMax) {
    co_return Failure(Reason::UpstreamMalformed, "a health answer cannot be read");
  }
  if (part.last) {
    const uint64_t status = status_in(gathered_);
    gathered_.clear();
    set(status == kServiceUnknown ? std::nullopt : std::optional(status == kServing));
  }
  co_return {};
}

void HealthWatch::set(std::optional<bool> serving) {
  if (serving == serving_) return;
  serving_ = serving;
  changed_.notify();
}

}  // namespace parley::upstream
