#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/pool.h"
#include "http/body_pace.h"
#include "http/http2_core.h"
#include "http/server.h"
#include "loop/task_set.h"

namespace parley::http {

class Http2Exchange;

// The connection, as its exchanges see it.
class Http2ExchangeOwner {
 public:
  virtual const ServerContext& context() const = 0;
  // From inside of nghttp2: the head is complete; `refusal` says why HTTP itself refuses it.
  virtual void serve(Http2Exchange& exchange, std::optional<Failure> refusal) = 0;
  // From inside of nghttp2: the stream is closed; the exchange has left its list.
  virtual void closed(Http2Exchange& exchange) = 0;
  virtual void go_away() = 0;

 protected:
  ~Http2ExchangeOwner() = default;
};

// One stream of a client as an exchange.
//
//   head arrives → served by a task → finished or reset, and closed in nghttp2 → deleted by the
//   connection
class Http2Exchange final : public Exchange, public Http2Stream, public loop::Link {
 public:
  PARLEY_POOLED
  Http2Exchange(Http2Core& core, Http2ExchangeOwner& owner, int32_t id);

  Version version() const override { return Version::Http2; }
  const net::Address& peer() const override;
  const net::TlsInfo& tls() const override;
  loop::Task<Result<Bytes>> read() override;
  const Fields& trailers() const override { return received_trailers; }
  bool request_ended() const override { return received_end && received.empty() && !refusal_; }
  std::optional<uint64_t> content_length() const override;
  void inform(uint16_t status, const Fields& fields) override;
  void begin(ResponseHead head, bool ends) override;
  loop::Task<Result<void>> write(Bytes bytes) override;
  void finish(Fields trailers) override;
  void finish_with(Bytes last) override;
  void reset(Code code) override;
  bool finished() const override { return finished_ || closed; }
  bool answered() const { return finished_; }
  void close_after() override;

  // The task that serves the exchange, and what becomes of it.
  loop::TaskSet::Id task;
  bool served = true;  // no task serves it: not yet, or no longer
  Pace taking;         // how the client opens the stream's window for its answer

 private:
  void on_field(std::string_view name, std::string_view value, bool never_index) override;
  void on_head_complete() override;
  void on_closed() override;
  void strip_trailers();
  void send_continue();

  Http2ExchangeOwner& owner_;
  BodyPace pace_;
  ResponseHead response_;
  std::string status_text_;
  std::optional<Failure> refusal_;  // why HTTP itself refuses the request
  size_t excess_bytes_ = 0;         // of fields that were over the limits
  bool head_complete_ = false;
  bool continued_ = false;  // the client waits no more for 100 (Continue)
  bool finished_ = false;
};

}  // namespace parley::http
