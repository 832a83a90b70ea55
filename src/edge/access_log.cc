#include "edge/access_log.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "observe/access_record.h"

namespace parley::edge {
namespace {

using AddressText = std::array<char, INET6_ADDRSTRLEN>;

// The client's address without its port; a Unix socket's has no name worth a word.
std::string_view client_text(const net::Address& peer, AddressText& text) {
  const sockaddr* const address = peer.get();
  const void* bytes = nullptr;
  if (peer.family() == AF_INET) {
    bytes = reinterpret_cast<const char*>(address) + offsetof(sockaddr_in, sin_addr);
  } else if (peer.family() == AF_INET6) {
    bytes = reinterpret_cast<const char*>(address) + offsetof(sockaddr_in6, sin6_addr);
  } else {
    return peer.is_unix() ? "unix" : "";
  }
  const char* const end =
      inet_ntop(peer.family(), bytes, text.data(), static_cast<socklen_t>(text.size()));
  return end == nullptr ? "" : std::string_view(end);
}

}  // namespace

// The time that an exchange is served; its end is the exchange's, however it comes.
class AccessLog::Visit {
 public:
  Visit(AccessLog& log, http::Exchange& exchange) : log_(log), exchange_(exchange) {
    log_.metrics_.requests_active.add(1);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    log_.metrics_.requests_active.add(-1);
    log_.ended(exchange_, returned);
  }
  bool returned = false;  // the next layer came to its end

 private:
  AccessLog& log_;
  http::Exchange& exchange_;
};

loop::Task<void> AccessLog::serve(http::Exchange& exchange) {
  Visit visit(*this, exchange);
  co_await next_.serve(exchange);
  visit.returned = true;
}

loop::Task<void> AccessLog::refuse(http::Exchange& exchange, Failure failure) {
  Visit visit(*this, exchange);
  exchange.record().limit = failure.limit_name();
  co_await next_.refuse(exchange, std::move(failure));
  visit.returned = true;
}

void AccessLog::ended(http::Exchange& exchange, bool returned) {
  http::Record& record = exchange.record();
  if (returned && !exchange.finished()) record.reset = true;  // its connection resets it next
  if (!returned && record.reset && !record.code_known) {
    record.code = Code::Cancelled;
    record.code_known = true;
    if (record.reason.empty()) record.reason = "cancelled before the answer was complete";
  }
  const Duration duration = std::max(loop_.clock().now() - record.started, Duration(0));
  count(record, duration);
  if (sink_ != nullptr && sink_->format() != LogFormat::Off) write_line(exchange, duration);
}

void AccessLog::count(const http::Record& record, Duration duration) {
  metrics_.count_request({.method = record.method,
                          .protocol = record.protocol,
                          .status = record.status,
                          .code = record.code,
                          .code_known = record.code_known,
                          .request_bytes = record.request_bytes,
                          .response_bytes = record.response_bytes,
                          .duration = duration});
  if (!record.limit.empty()) metrics_.count_limit(record.limit);
}

void AccessLog::write_line(const http::Exchange& exchange, Duration duration) {
  ByteBuffer* const out = sink_->begin_line();
  if (out == nullptr) return;
  const http::Record& record = exchange.record();
  const http::RequestHead& head = exchange.request();
  AddressText address;
  const observe::AccessRecord line{.time = loop_.wall() - duration,
                                   .client = client_text(exchange.client(), address),
                                   .http = http::version_text(exchange.version()),
                                   .verb = head.verb(),
                                   .path = head.target(),
                                   .protocol = record.protocol,
                                   .method = record.method,
                                   .route = record.route,
                                   .status = record.status,
                                   .code = record.code,
                                   .code_known = record.code_known,
                                   .reset = record.reset,
                                   .request_bytes = record.request_bytes,
                                   .response_bytes = record.response_bytes,
                                   .duration = duration,
                                   .endpoint = record.endpoint,
                                   .request_id = record.request_id,
                                   .limit = record.limit,
                                   .reason = record.reason};
  if (sink_->format() == LogFormat::Json) {
    observe::render_json(line, *out);
  } else {
    observe::render_text(line, *out);
  }
  sink_->end_line();
}

}  // namespace parley::edge
