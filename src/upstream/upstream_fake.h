#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "call/call.h"
#include "http/server.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/net_fake.h"

namespace parley::upstream {

// What a scripted gRPC server does with one call, beyond echoing its request.
struct Script {
  uint16_t status = 200;
  std::string content_type = "application/grpc";
  Fields head;                        // beside the content type
  std::vector<std::string> messages;  // answered before the echo
  bool echo = true;                   // every message of the request comes back
  std::string raw;                    // bytes after the messages, framed or not
  Fields trailers;                    // grpc-status: 0 when empty
  bool no_trailers = false;
  bool trailers_only = false;
  bool hang = false;        // never answers
  bool refuse = false;      // RST_STREAM before the answer
  bool reset_late = false;  // RST_STREAM after the messages
};

// A gRPC server, in memory or on a socket. `script` says what the next calls do; what they asked is
// kept.
class FakeGrpcServer final : public http::ExchangeService {
 public:
  FakeGrpcServer(loop::Loop& loop, net::Network& network, const net::Address& address);

  const net::Address& address() const { return listener_->address(); }

  loop::Task<void> serve(http::Exchange& exchange) override;
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override;

  struct Asked {
    std::string path;
    Fields head;
    std::string body;  // frames and all
  };
  std::function<Script(const http::RequestHead&)> script = [](const http::RequestHead&) {
    return Script{};
  };
  std::vector<Asked> asked;
  int serving = 0;    // calls that run now
  int cancelled = 0;  // calls that ended before their answer

  http::Settings settings;
  // Breaks every connection, and accepts new ones.
  void drop_connections() { connections_.cancel_all(); }
  void stop_listening() {
    accepting_.cancel_all();
    listener_.reset();
  }
  size_t connections() const { return connections_.size(); }
  http::Drain drain;

 private:
  loop::Task<void> accept();

  loop::Loop& loop_;
  std::unique_ptr<net::Listener> listener_;
  loop::Signal never_;
  http::ServerContext context_;
  loop::TaskSet connections_;
  loop::TaskSet accepting_;
};

// Messages that a test has ready.
class ReadyMessages final : public call::Messages {
 public:
  explicit ReadyMessages(std::vector<std::string> messages)
      : messages_(messages.begin(), messages.end()) {}
  loop::Task<Result<std::optional<call::MessagePart>>> next() override;

 private:
  std::deque<std::string> messages_;
};

// Replies as a test wants to see them.
class KeptReplies final : public call::Replies {
 public:
  void metadata(Fields metadata) override { head = std::move(metadata); }
  loop::Task<Result<void>> write(call::MessagePart part) override;

  std::optional<Fields> head;
  std::vector<std::string> messages;
  size_t parts = 0;
};

}  // namespace parley::upstream
