#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "call/call.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"

namespace parley::service {

// A client that calls one method of a built-in service, and speaks JSON: so every message is
// checked against the contract.
class FakeClient final : private call::Messages, private call::Replies {
 public:
  // `method` is a full name: "grpc.health.v1.Health.Check".
  FakeClient(loop::FakeLoop& fake, call::CallService& service, std::string_view method);

  // Calls, with these messages and no more.
  FakeClient& ask(const std::vector<std::string>& messages);
  // Calls; messages may follow until `end`.
  FakeClient& start();
  void send(std::string_view json);
  void send_part(call::MessagePart part);
  void end();
  // Goes away.
  void cancel() { tasks_.cancel_all(); }
  // While it does not read, writes wait.
  void read_slowly(bool slowly);

  // One a message, as JSON, since the last `take`.
  std::vector<std::string> take();
  // Message for message, as they came.
  std::vector<std::string> wire;
  // "OK", "NOT_FOUND: message"; empty: the call goes on.
  std::string outcome() const;

  call::Call call;
  std::optional<Failure> failure;

 private:
  loop::Task<Result<std::optional<call::MessagePart>>> next() override;
  void metadata(Fields) override {}
  loop::Task<Result<void>> write(call::MessagePart part) override;
  loop::Task<void> run();

  loop::FakeLoop& fake_;
  call::CallService& service_;
  loop::Signal changed_;
  std::deque<call::MessagePart> sent_;
  bool ended_ = false;
  bool slow_ = false;
  bool done_ = false;
  size_t taken_ = 0;
  loop::TaskSet tasks_;
};

}  // namespace parley::service
