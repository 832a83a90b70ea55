#include "http/server.h"

#include <algorithm>
#include <utility>

#include "http/timed_wait.h"

namespace parley::http {
namespace {

// The client connection preface (RFC 9113, 3.4).
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum class Protocol : uint8_t { Http1, Http2, None };

struct Decision {
  Protocol protocol = Protocol::None;
  Bytes first;  // what was read to decide
};

// Whether the first line is made of words, none of which is a path or has the digits of a version:
// a preface of HTTP/2 gone wrong, whose sender takes no answer in HTTP/1.1 (RFC 9113, 3.4).
bool speaks_no_http(std::string_view first) {
  const std::string_view line = first.substr(0, first.find("\r\n"));
  const size_t space = line.find(' ');
  if (line.size() == first.size() || space == std::string_view::npos) return false;
  const size_t version = line.find(' ', space + 1);
  return version < line.size() - 1 && line.find_first_of("/0123456789") == std::string_view::npos;
}

// nullopt: more bytes are needed. No HTTP/1.1 request starts like the preface and is valid.
std::optional<Protocol> protocol_of(std::string_view first) {
  if (first.starts_with(kPreface)) return Protocol::Http2;
  if (kPreface.starts_with(first)) return std::nullopt;
  return speaks_no_http(first) ? Protocol::None : Protocol::Http1;
}

// Reads the first bytes of a connection. None: it ended, or said nothing in time, which is counted:
// an answer to no request would be taken for that of one on its way. Not inlined, so that its frame
// does not last as long as the connection.
[[gnu::noinline]] loop::Task<Decision> decide(net::ByteStream& stream,
                                              const ServerContext& context) {
  const Instant header_due = deadline_after(context.loop.now(), context.settings.header_timeout);
  Instant draining_since = kNever;
  Bytes first;
  for (;;) {
    Result<std::optional<Bytes>> chunk = stream.try_read();
    if (!chunk) co_return Decision{};
    if (!*chunk) {
      // Its first request may be on its way, as that of an idle connection.
      if (context.drain.draining()) draining_since = std::min(draining_since, context.loop.now());
      const Instant drained = deadline_after(draining_since, context.drain.idle_timeout());
      const Instant due = first.empty() ? std::min(header_due, drained) : header_due;
      if (context.loop.now() >= header_due) context.count_limit("http.header_timeout");
      if (context.loop.now() >= due) co_return Decision{};
      co_await TimedWait(stream.readable(), context.drain.started(), due);
      continue;
    }
    // What is no preface as far as it goes may still be understood, and answered.
    if ((*chunk)->empty()) {
      co_return Decision{first.empty() ? Protocol::None : Protocol::Http1, std::move(first)};
    }
    if (first.empty()) {
      first = **std::move(chunk);
    } else {
      ByteBuffer both(first.size() + (*chunk)->size());
      both.append(first.view());
      both.append((*chunk)->view());
      first = both.take();
    }
    if (const auto protocol = protocol_of(first.view())) {
      co_return Decision{*protocol, std::move(first)};
    }
  }
}

}  // namespace

loop::Task<void> serve_connection(std::unique_ptr<net::ByteStream> stream,
                                  const ServerContext& context) {
  const Instant accepted = context.loop.now();
  Decision decision;
  if (stream->tls().alpn == "h2") {
    decision.protocol = Protocol::Http2;
  } else if (stream->tls().alpn == "http/1.1") {
    decision.protocol = Protocol::Http1;
  } else {
    decision = co_await decide(*stream, context);
  }
  if (decision.protocol == Protocol::Http2) {
    co_await serve_http2(std::move(stream), std::move(decision.first), context, accepted);
  } else if (decision.protocol == Protocol::Http1) {
    co_await serve_http1(std::move(stream), std::move(decision.first), context);
  }
}

}  // namespace parley::http
