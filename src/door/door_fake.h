#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "call/call.h"
#include "contract/model.h"
#include "door/catalogue.h"
#include "door/door.h"
#include "door/rest_router.h"
#include "http/exchange.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"

namespace parley::door {

// An exchange in memory: a request that a test writes, and the answer that came.
class FakeExchange final : public http::Exchange {
 public:
  FakeExchange(loop::Loop& loop, std::string_view verb, std::string_view target);

  void add(std::string_view name, std::string_view value) { request_.fields.add(name, value); }
  // A chunk of the body; `end` ends it. Without either before the start the body is empty.
  void send(std::string_view chunk);
  void end();
  // Lets `read` wait for chunks that come later.
  void keep_open() { open_ = true; }

  http::Version version() const override { return version_; }
  const net::Address& peer() const override { return peer_; }
  const net::TlsInfo& tls() const override { return tls_; }
  loop::Task<Result<Bytes>> read() override;
  const Fields& trailers() const override { return request_trailers_; }
  bool request_ended() const override { return chunks_.empty() && !open_; }
  std::optional<uint64_t> content_length() const override { return length_; }
  void inform(uint16_t status, const Fields& fields) override;
  void begin(http::ResponseHead head, bool ends) override;
  loop::Task<Result<void>> write(Bytes bytes) override;
  void finish(Fields trailers) override;
  void finish_with(Bytes last) override;
  void reset(Code code) override;
  bool finished() const override { return finished_; }
  void close_after() override { closes_ = true; }

  std::optional<std::string_view> field(std::string_view name) const {
    return answer_.fields.find(name);
  }

  // What a test may set, and what it may look at.
  http::Version version_ = http::Version::Http2;
  net::Address peer_;
  net::TlsInfo tls_;
  std::optional<uint64_t> length_;
  http::ResponseHead answer_;
  std::string body_;
  std::vector<std::string> writes_;
  Fields answer_trailers_;
  std::optional<Code> reset_;
  bool finished_ = false;
  bool closes_ = false;
  bool accepts_writes_ = true;  // false: the client is gone

 private:
  std::deque<std::string> chunks_;
  bool open_ = false;
  loop::Signal arrived_;
  Fields request_trailers_;
};

// A call as it reached the service.
struct SeenCall {
  const contract::Method* method = nullptr;
  Fields metadata;
  std::vector<std::string> messages;
  std::vector<bool> compressed;
  Instant deadline{};
  std::string request_id;
  std::string encoding;
  std::string peer;
};

// Answers calls by its script, and keeps what it saw.
class FakeCallService final : public call::CallService {
 public:
  explicit FakeCallService(loop::Loop& loop) : go(loop) {}

  loop::Task<call::Outcome> serve(call::Call& call, call::Replies& replies) override;

  // The script: the request's messages come back, then these; then the end.
  bool echo = false;
  bool sends_metadata = true;
  Fields metadata;
  std::vector<call::MessagePart> replies;
  std::optional<Failure> failure;
  Fields trailers;
  bool waits_before_metadata = false;  // until `go`
  bool waits_before_messages = false;
  bool waits_between_messages = false;
  bool waits_before_end = false;

  loop::Signal go;
  std::vector<SeenCall> calls;
  size_t running = 0;  // tasks that are alive

 private:
  loop::Task<std::optional<Failure>> take_requests(call::Call& call, SeenCall& seen);
};

// The types that are always known, as the gateway has them.
const wire::Programs& google_types();

// A snapshot of contracts in memory.
class FakeCatalogue final : public Catalogue {
 public:
  FakeCatalogue(call::CallService& service, const Settings& settings)
      : service_(service), settings_(settings) {}

  // Every method of the contract is exposed. Call build() after the last one.
  void add(contract::Contract contract, std::string_view upstream = "test");
  // The same of what somebody else owns, and outlives this.
  void add(const wire::Programs& programs, std::string_view upstream = "test");
  void build();

  const Exposed* find_method(std::string_view path) const override;
  const RestRouter& router() const override { return router_; }
  call::CallService& service() override { return service_; }
  const Settings& settings() const override { return settings_; }
  const wire::Programs* known_types() const override;
  std::string_view pending() const override { return pending_; }

  std::vector<RouteConflict> conflicts_;
  std::string pending_;

 private:
  struct Part {
    contract::Contract contract;
    wire::Programs programs;
    Part(contract::Contract of, const wire::Programs* known)
        : contract(std::move(of)), programs(contract, known) {}
  };

  call::CallService& service_;
  const Settings settings_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::deque<Exposed> exposed_;
  RestRouter router_;
};

// Doors on a loop with a manual clock, in front of a fake service.
class DoorScene {
 public:
  explicit DoorScene(std::string_view proto_text, const Settings& settings = {});
  explicit DoorScene(const wire::Programs& programs, const Settings& settings = {});
  ~DoorScene();

  // A request that is on its way once started; served until nothing is ready.
  FakeExchange& request(std::string_view verb, std::string_view target);
  void start(FakeExchange& exchange);
  // A request that HTTP refuses.
  FakeExchange& refuse(std::string_view verb, std::string_view target, Failure failure);
  void refuse(FakeExchange& exchange, Failure failure);
  // The whole of a request without more to it.
  FakeExchange& ask(std::string_view verb, std::string_view target, std::string_view json = {});
  // The client of the last started exchange goes away.
  void cancel();

  loop::FakeLoop fake;
  FakeCallService service;
  FakeCatalogue* catalogue;  // owned by the doors
  Doors doors;

 private:
  std::vector<std::unique_ptr<FakeExchange>> exchanges_;
  loop::TaskSet tasks_;
  loop::TaskSet::Id last_;
};

}  // namespace parley::door
