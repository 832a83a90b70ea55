#include "upstream/upstream_fake.h"

#include "wire/frame.h"

namespace parley::upstream {

FakeGrpcServer::FakeGrpcServer(loop::Loop& loop, net::Network& network, const net::Address& address)
    : drain(loop),
      loop_(loop),
      listener_(*network.listen(address, {})),
      never_(loop),
      context_{loop, *this, settings, drain},
      connections_(loop),
      accepting_(loop) {
  accepting_.spawn(accept());
}

loop::Task<void> FakeGrpcServer::accept() {
  for (;;) {
    auto stream = co_await listener_->accept();
    if (!stream) co_return;
    connections_.spawn(http::serve_http2(*std::move(stream), {}, context_));
  }
}

// size: one call from head to trailers, every way that a script can bend it
loop::Task<void> FakeGrpcServer::serve(http::Exchange& exchange) {
  struct Count {
    explicit Count(FakeGrpcServer& of) : server(of) { ++server.serving; }
    ~Count() {
      --server.serving;
      if (!answered) ++server.cancelled;
    }
    FakeGrpcServer& server;
    bool answered = false;
  } count(*this);
  const Script script_now = script(exchange.request());
  const size_t index = asked.size();
  asked.push_back({std::string(exchange.request().target()), exchange.request().fields, {}});
  if (script_now.hang) co_await never_.wait();
  if (script_now.refuse) {
    exchange.reset(Code::Unavailable);
    co_return;
  }
  http::ResponseHead head;
  head.status = script_now.status;
  head.fields = script_now.head;
  head.fields.add(FieldId::ContentType, script_now.content_type);
  Fields trailers = script_now.trailers;
  if (trailers.empty() && !script_now.no_trailers) trailers.add(FieldId::GrpcStatus, "0");
  if (script_now.trailers_only) {
    for (const Field field : trailers) head.fields.add(field.name, field.value);
    exchange.begin(std::move(head), true);
    count.answered = true;
    co_return;
  }
  exchange.begin(std::move(head));
  for (const std::string& message : script_now.messages) {
    const auto header = wire::frame_header(0, static_cast<uint32_t>(message.size()));
    if (!co_await exchange.write(Bytes::copy(std::string(header.data(), header.size()) + message)))
      co_return;
  }
  for (;;) {
    auto chunk = co_await exchange.read();
    if (!chunk) co_return;
    if (chunk->empty()) break;
    asked[index].body += chunk->view();
    if (script_now.echo && !co_await exchange.write(*std::move(chunk))) co_return;
  }
  if (!script_now.raw.empty()) (void)co_await exchange.write(Bytes::copy(script_now.raw));
  count.answered = true;
  if (script_now.reset_late) {
    co_await loop::Yield(loop_);
    exchange.reset(Code::Internal);
    co_return;
  }
  exchange.finish(std::move(trailers));
}

loop::Task<void> FakeGrpcServer::refuse(http::Exchange& exchange, Failure failure) {
  http::ResponseHead head;
  head.status = failure.http_status();
  exchange.begin(std::move(head), true);
  co_return;
}

loop::Task<Result<std::optional<call::MessagePart>>> ReadyMessages::next() {
  if (messages_.empty()) co_return std::optional<call::MessagePart>();
  std::string message = std::move(messages_.front());
  messages_.pop_front();
  co_return std::optional(call::whole_message(Bytes::copy(message)));
}

loop::Task<Result<void>> KeptReplies::write(call::MessagePart part) {
  ++parts;
  if (part.first) messages.emplace_back();
  messages.back() += part.data.view();
  co_return {};
}

}  // namespace parley::upstream
