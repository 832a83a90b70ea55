#include "upstream/grpc_caller.h"

#include <limits>
#include <utility>

#include "loop/task_set.h"
#include "upstream/grpc_status.h"
#include "upstream/kept_messages.h"
#include "wire/frame.h"

namespace parley::upstream {
namespace {

// Parts from this size on leave as they are; smaller ones are copied next to their frame's header.
constexpr size_t kShareFrom = 4096;

// The message's part as it goes onto the stream: the first one behind the frame's header.
loop::Task<Result<void>> send_part(http::ClientExchange& exchange, call::MessagePart part) {
  if (!part.first) co_return co_await exchange.write(std::move(part.data), false);
  const auto header =
      wire::frame_header(part.compressed ? wire::kFlagCompressed : uint8_t{0}, part.total);
  const std::string_view header_text(header.data(), header.size());
  if (part.data.size() >= kShareFrom) {
    CO_TRY_VOID(co_await exchange.write(Bytes::copy(header_text), false));
    co_return co_await exchange.write(std::move(part.data), false);
  }
  ByteBuffer framed(header.size() + part.data.size());
  framed.append(header_text);
  framed.append(part.data.view());
  co_return co_await exchange.write(framed.take(), false);
}

// One attempt of one call on one stream.
class Attempt {
 public:
  Attempt(Cluster& cluster, call::Call& call, KeptMessages& requests, call::Replies& replies)
      : cluster_(cluster),
        call_(call),
        requests_(requests),
        replies_(replies),
        sending_(cluster.loop()) {}

  loop::Task<call::Outcome> run(const Lease& lease);
  // Whether the client may have seen a part of the answer.
  bool committed() const { return committed_; }

 private:
  Result<Fields> request_head(const Lease& lease) const;
  loop::Task<Result<void>> send_requests();
  loop::Task<void> send_in_background();
  loop::Task<call::Outcome> receive();
  loop::Task<Result<void>> pass_replies();
  Failure explain(Failure failure) const;
  bool expired() const { return call_.deadline <= cluster_.loop().now(); }

  Cluster& cluster_;
  call::Call& call_;
  KeptMessages& requests_;
  call::Replies& replies_;
  std::unique_ptr<http::ClientExchange> exchange_;
  std::optional<Failure> request_failure_;  // the client's stream of messages broke
  bool committed_ = false;
  loop::TaskSet sending_;  // destroyed first: it uses the exchange
};

Result<Fields> Attempt::request_head(const Lease& lease) const {
  Fields head;
  head.add(FieldId::PseudoMethod, "POST");
  head.add(FieldId::PseudoScheme, cluster_.settings().tls.enabled ? "https" : "http");
  head.add(FieldId::PseudoAuthority, cluster_.authority());
  head.add(FieldId::PseudoPath, call_.method->path);
  head.add(FieldId::Te, "trailers");
  head.add(FieldId::ContentType, "application/grpc");
  if (call_.deadline != kNever) {
    head.add(FieldId::GrpcTimeout, grpc_timeout_text(call_.deadline - cluster_.loop().now()));
  }
  if (!call_.encoding.empty()) head.add(FieldId::GrpcEncoding, call_.encoding);
  if (!call_.accept_encoding.empty()) head.add(FieldId::GrpcAcceptEncoding, call_.accept_encoding);
  for (const Field field : call_.metadata) head.add(field);
  const size_t bytes_max = std::min<size_t>(lease.connection->peer_header_bytes_max(), UINT32_MAX);
  const size_t limit = bytes_max == UINT32_MAX ? cluster_.settings().metadata_bytes_max : bytes_max;
  if (head.bytes() > limit) {
    return Failure(Reason::MetadataTooLarge, "the headers take " + std::to_string(head.bytes()) +
                                                 " bytes, the upstream takes " +
                                                 std::to_string(limit))
        .with_limit(cluster_.settings().key("metadata_bytes_max"));
  }
  return head;
}

loop::Task<call::Outcome> Attempt::run(const Lease& lease) {
  auto head = request_head(lease);
  if (!head) co_return std::move(head.error());
  call_.notes.endpoint = lease.endpoint->name();
  ++call_.notes.attempts;
  exchange_ = lease.connection->open(*std::move(head), false);
  // Beside each other: an upstream may answer before it has taken the whole request.
  sending_.spawn(send_in_background());
  co_return co_await receive();
}

// Passes the client's messages on. Fails with the stream, which `receive` then explains, or with
// the client's side: then request_failure_ says so.
loop::Task<Result<void>> Attempt::send_requests() {
  for (;;) {
    auto part = co_await requests_.next();
    if (!part) {
      request_failure_ = std::move(part.error());
      exchange_->abort();
      co_return Failure(Reason::ClientGone, "the request broke");
    }
    if (!*part) break;
    CO_TRY_VOID(co_await send_part(*exchange_, **std::move(part)));
  }
  exchange_->finish();
  co_return {};
}

loop::Task<void> Attempt::send_in_background() { (void)co_await send_requests(); }

loop::Task<call::Outcome> Attempt::receive() {
  auto head = co_await exchange_->head();
  if (!head) co_return explain(std::move(head.error()));
  committed_ = true;
  requests_.release();
  if (head->fields.find(FieldId::GrpcStatus)) co_return outcome_of(head->fields);  // trailers-only
  if (head->status != 200) co_return failure_of_http_status(head->status);
  if (!head->fields.find(FieldId::ContentType).value_or("").starts_with("application/grpc")) {
    co_return Failure(Reason::UpstreamMalformed, "the upstream's answer is not gRPC")
        .from(Origin::Upstream);
  }
  replies_.metadata(metadata_of(head->fields));
  if (auto passed = co_await pass_replies(); !passed) co_return explain(std::move(passed.error()));
  co_return outcome_of(exchange_->trailers());
}

loop::Task<Result<void>> Attempt::pass_replies() {
  wire::FrameDecoder frames(
      {.message_bytes_max = std::numeric_limits<uint32_t>::max(), .peer = Origin::Upstream});
  for (;;) {
    CO_TRY(chunk, co_await exchange_->read());
    if (chunk.empty()) break;
    while (!chunk.empty()) {
      CO_TRY(part, frames.next(chunk));
      if (!part) break;
      CO_TRY_VOID(co_await replies_.write({std::move(part->payload), part->total,
                                           (part->flags & wire::kFlagCompressed) != 0, part->first,
                                           part->last}));
    }
  }
  co_return frames.finish();
}

// What a broken stream means for the caller.
Failure Attempt::explain(Failure failure) const {
  if (request_failure_) return request_failure_->clone();
  if (failure.reason() == Reason::UpstreamReset) {
    if (expired()) return Failure(Reason::DeadlineExpired, "the deadline has passed");
    if (exchange_->reset_code() >= 0) return failure_of_reset(exchange_->reset_code());
  }
  return failure;
}

}  // namespace

loop::Task<call::Outcome> GrpcCaller::serve(call::Call& call, call::Replies& replies) {
  KeptMessages requests(*call.requests, cluster_.settings().replay_bytes_max);
  Lease lease;
  for (int attempts = 1;; ++attempts) {
    Lease next = cluster_.try_acquire(lease);
    if (!next.connection) {
      auto waited = co_await cluster_.acquire(lease);
      if (!waited) co_return std::move(waited.error());
      next = *waited;
    }
    lease = next;
    Attempt attempt(cluster_, call, requests, replies);
    call::Outcome outcome = co_await attempt.run(lease);
    const bool again = !outcome.ok() && outcome.failure->remedy() == Remedy::RetryElsewhere &&
                       !attempt.committed() && attempts < 2 &&
                       requests.replayable(cluster_.settings().replay_bytes_max);
    if (!again) co_return outcome;
    requests.rewind();
  }
}

}  // namespace parley::upstream
