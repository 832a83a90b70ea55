#include "service/client_fake.h"

#include <utility>

#include "base/assert.h"
#include "service/builtin_contract.h"
#include "wire/json_to_wire.h"
#include "wire/wire_to_json.h"

namespace parley::service {
namespace {

const wire::Programs& programs() {
  static const wire::Programs all(builtin_contract());
  return all;
}

std::string path_of(std::string_view method) {
  std::string path = "/" + std::string(method);
  path[path.rfind('.')] = '/';
  return path;
}

}  // namespace

FakeClient::FakeClient(loop::FakeLoop& fake, call::CallService& service, std::string_view method)
    : fake_(fake), service_(service), changed_(fake.loop), tasks_(fake.loop) {
  call.method = builtin_contract().find_method(path_of(method));
  PARLEY_ASSERT(call.method != nullptr);
  call.requests = this;
}

FakeClient& FakeClient::ask(const std::vector<std::string>& messages) {
  for (const std::string& message : messages) send(message);
  end();
  return start();
}

FakeClient& FakeClient::start() {
  tasks_.spawn(run());
  fake_.loop.run_until_idle();
  return *this;
}

void FakeClient::send(std::string_view json) {
  const Bytes padded = Bytes::copy(json);
  ByteBuffer message;
  const auto read =
      wire::json_to_wire(programs().of(*call.method->input), padded.view(), {}, message);
  PARLEY_ASSERT(read.has_value());
  send_part(call::whole_message(message.take()));
}

void FakeClient::send_part(call::MessagePart part) {
  sent_.push_back(std::move(part));
  changed_.notify();
  fake_.loop.run_until_idle();
}

void FakeClient::end() {
  ended_ = true;
  changed_.notify();
  fake_.loop.run_until_idle();
}

void FakeClient::read_slowly(bool slowly) {
  slow_ = slowly;
  changed_.notify();
  fake_.loop.run_until_idle();
}

std::vector<std::string> FakeClient::take() {
  std::vector<std::string> texts;
  for (; taken_ < wire.size(); ++taken_) {
    ByteBuffer json;
    const auto written = wire::wire_to_json(programs().of(*call.method->output),
                                            Bytes::copy(wire[taken_]).view(), {}, json);
    PARLEY_ASSERT(written.has_value());
    texts.emplace_back(json.view());
  }
  return texts;
}

std::string FakeClient::outcome() const {
  if (!done_) return "";
  if (!failure) return "OK";
  return std::string(code_row(failure->code()).name) + ": " + failure->message();
}

loop::Task<Result<std::optional<call::MessagePart>>> FakeClient::next() {
  while (sent_.empty() && !ended_) co_await changed_.wait();
  if (sent_.empty()) co_return std::optional<call::MessagePart>();
  call::MessagePart part = std::move(sent_.front());
  sent_.pop_front();
  co_return std::optional(std::move(part));
}

loop::Task<Result<void>> FakeClient::write(call::MessagePart part) {
  wire.emplace_back(part.data.view());
  while (slow_) co_await changed_.wait();
  co_return {};
}

loop::Task<void> FakeClient::run() {
  call::Outcome outcome = co_await service_.serve(call, *this);
  failure = std::move(outcome.failure);
  done_ = true;
}

}  // namespace parley::service
