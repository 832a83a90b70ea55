#include "http/http_fake.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace parley::http {
namespace {

constexpr size_t kBigWrite = 16 * 1024;

std::string text_of(const Failure& failure) {
  return fmt::format("{}: {}", reason_row(failure.reason()).name, failure.message());
}

ResponseHead head_with_type(uint16_t status, std::string_view type) {
  ResponseHead head{status, {}};
  head.fields.add(FieldId::ContentType, type);
  return head;
}

loop::Task<void> echo(FakeService& service, Exchange& exchange) {
  const auto type = exchange.request().fields.find(FieldId::ContentType);
  exchange.begin(head_with_type(200, type.value_or("text/plain")));
  for (;;) {
    Result<Bytes> chunk = co_await exchange.read();
    if (!chunk) {
      service.failures.push_back(text_of(chunk.error()));
      exchange.reset(chunk.error().code());
      co_return;
    }
    if (chunk->empty()) break;
    const Result<void> written = co_await exchange.write(*std::move(chunk));
    if (!written) {
      service.failures.push_back(text_of(written.error()));
      co_return;
    }
  }
  exchange.finish(exchange.trailers());
}

loop::Task<void> whole(FakeService& service, Exchange& exchange) {
  ByteBuffer body;
  for (;;) {
    Result<Bytes> chunk = co_await exchange.read();
    if (!chunk) {
      service.failures.push_back(text_of(chunk.error()));
      co_await service.refuse(exchange, std::move(chunk.error()));
      co_return;
    }
    if (chunk->empty()) break;
    body.append(chunk->view());
  }
  service.bodies.emplace_back(body.view());
  exchange.begin(head_with_type(200, "text/plain"));
  exchange.finish_with(body.take());
}

loop::Task<void> show_head(FakeService&, Exchange& exchange) {
  const RequestHead& head = exchange.request();
  std::string text = fmt::format("{} {} {}\n", head.verb(), head.target(), head.authority());
  for (const Field field : head.fields) {
    if (!is_pseudo(field.id)) text += fmt::format("{}: {}\n", field.name, field.value);
  }
  answer_text(exchange, text);
  co_return;
}

loop::Task<void> empty(FakeService&, Exchange& exchange) {
  exchange.begin({204, {}}, true);
  co_return;
}

loop::Task<void> big(FakeService& service, Exchange& exchange) {
  const std::string_view target = exchange.request().target();
  const std::string_view digits = target.substr(target.rfind('/') + 1);
  size_t left = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), left);
  exchange.begin(head_with_type(200, "text/plain"));
  while (left > 0) {
    const size_t size = std::min(left, kBigWrite);
    const Result<void> written = co_await exchange.write(Bytes::copy(std::string(size, 'x')));
    if (!written) {
      service.failures.push_back(text_of(written.error()));
      co_return;
    }
    left -= size;
  }
  exchange.finish();
}

loop::Task<void> wait(FakeService& service, Exchange& exchange) {
  co_await service.go.wait();
  answer_text(exchange, "waited");
}

loop::Task<void> late(FakeService& service, Exchange& exchange) {
  exchange.begin(head_with_type(200, "text/plain"));
  co_await service.go.wait();
  exchange.finish_with(Bytes::copy("late"));
}

loop::Task<void> nothing(FakeService&, Exchange&) { co_return; }

loop::Task<void> reset(FakeService&, Exchange& exchange) {
  exchange.begin(head_with_type(200, "text/plain"));
  (void)co_await exchange.write(Bytes::copy("part"));
  exchange.reset(Code::Unavailable);
}

loop::Task<void> inform(FakeService&, Exchange& exchange) {
  Fields fields;
  fields.add(FieldId::Link, "</style.css>; rel=preload");
  exchange.inform(103, fields);
  answer_text(exchange, "informed");
  co_return;
}

loop::Task<void> slow_read(FakeService& service, Exchange& exchange) {
  std::string body;
  for (;;) {
    co_await service.go.wait();
    Result<Bytes> chunk = co_await exchange.read();
    if (!chunk) {
      service.failures.push_back(text_of(chunk.error()));
      co_return;
    }
    if (chunk->empty()) break;
    body += chunk->view();
  }
  service.bodies.push_back(body);
  answer_text(exchange, "read");
}

loop::Task<void> last(FakeService&, Exchange& exchange) {
  exchange.close_after();
  answer_text(exchange, "last");
  co_return;
}

}  // namespace

// Notes how the task of an exchange ended, by its destructor.
class FakeService::Visit {
 public:
  Visit(FakeService& service, Exchange& exchange) : service_(service), exchange_(exchange) {}
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    ++(completed ? service_.completed : service_.cancelled);
    service_.records.push_back(exchange_.record());
  }
  bool completed = false;

 private:
  FakeService& service_;
  Exchange& exchange_;
};

FakeService::FakeService(loop::Loop& loop)
    : handlers{{"/echo", echo},   {"/whole", whole},   {"/head", show_head},
               {"/empty", empty}, {"/big", big},       {"/wait", wait},
               {"/late", late},   {"/last", last},     {"/nothing", nothing},
               {"/reset", reset}, {"/inform", inform}, {"/slow-read", slow_read}},
      go(loop) {}

loop::Task<void> FakeService::serve(Exchange& exchange) {
  ++started;
  Visit visit(*this, exchange);
  std::string_view path = exchange.request().target();
  path = path.substr(0, path.find('?'));
  if (path.starts_with("/big/")) path = "/big";
  const auto found = handlers.find(path);
  if (found != handlers.end()) {
    co_await found->second(*this, exchange);
  } else {
    exchange.begin(head_with_type(404, "text/plain"));
    exchange.finish_with(Bytes::copy("no such path"));
  }
  visit.completed = true;
}

loop::Task<void> FakeService::refuse(Exchange& exchange, Failure failure) {
  failures.push_back(text_of(failure));
  if (!failure.limit_name().empty()) limits.emplace_back(failure.limit_name());
  if (exchange.begun()) {
    exchange.reset(failure.code());
    co_return;
  }
  exchange.begin(head_with_type(failure.http_status(), "text/plain"));
  exchange.finish_with(Bytes::copy(text_of(failure)));
}

void answer_text(Exchange& exchange, std::string_view text) {
  exchange.begin(head_with_type(200, "text/plain"));
  exchange.finish_with(Bytes::copy(text));
}

}  // namespace parley::http
