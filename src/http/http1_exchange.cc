#include "http/http1_exchange.h"

#include <algorithm>
#include <utility>

#include "http/timed_wait.h"

namespace parley::http {
namespace {

Failure client_gone() {
  Failure failure(Reason::ClientGone, "the client has gone");
  failure.from(Origin::Client);
  return failure;
}

// True while it lives.
class Raised {
 public:
  explicit Raised(bool& flag) : flag_(flag) { flag_ = true; }
  Raised(const Raised&) = delete;
  Raised& operator=(const Raised&) = delete;
  ~Raised() { flag_ = false; }

 private:
  bool& flag_;
};

std::string_view scheme_of(net::ByteStream& stream) {
  return stream.tls().active ? "https" : "http";
}

}  // namespace

Http1Exchange::Http1Exchange(Http1Connection& connection)
    : connection_(connection),
      parser_(connection.context().settings, scheme_of(connection.stream())),
      pace_(connection.context().settings),
      taking_(answer_pace(connection.context().settings)) {
  request_.fields = Fields(Http1Parser::head_limits(connection.context().settings));
  record_.started = connection.context().loop.now();
}

loop::Task<Result<Bytes>> Http1Exchange::read() {
  const loop::Loop& loop = connection_.context().loop;
  for (;;) {
    CO_TRY(part, take());
    if (part) {
      pace_.moved(loop.now(), part->size());
      co_return *std::move(part);
    }
    send_continue();
    const Http1Connection::Pulled pulled = connection_.pull();
    if (pulled == Http1Connection::Pulled::Bytes) continue;
    if (pulled == Http1Connection::Pulled::Ended) {
      if (finished()) co_return client_gone();
      connection_.lose();
      co_await std::suspend_always{};  // until the connection destroys this task
    }
    const Instant due = body_may_pause_ ? kNever : pace_.wait(loop.now());
    if (loop.now() >= due) {
      body_failed_ = close_ = true;
      co_return pace_.failure(loop.now());
    }
    const Raised waiting(reading_);
    co_await TimedWait(connection_.stream().readable(), due);
  }
}

// What the bytes that have come give: a part of the body, its end (empty), or nothing.
Result<std::optional<Bytes>> Http1Exchange::take() {
  if (body_failed_) return client_gone();
  Bytes& input = connection_.input();
  Result<std::optional<Bytes>> part = parser_.parse_body(input);
  if (input.empty()) input = {};
  if (!part) {
    body_failed_ = close_ = true;
  } else if (*part) {
    continued_ = true;
    record_.request_bytes += (*part)->size();
    if (parser_.body().ended()) connection_.watch_again();
  }
  return part;
}

// RFC 9110, 10.1.1: the client waits for this with its body.
void Http1Exchange::send_continue() {
  const bool waits = parser_.head().expects_continue && !continued_;
  continued_ = true;
  if (!waits || stage_ > Stage::HeadHeld) return;
  connection_.stream().write(Bytes::copy("HTTP/1.1 100 Continue\r\n\r\n"));
}

void Http1Exchange::inform(uint16_t status, const Fields& fields) {
  if (stage_ != Stage::Waiting || version() == Version::Http10) return;
  ByteBuffer out;
  write_interim(out, status, fields);
  connection_.stream().write(out.take());
}

void Http1Exchange::begin(ResponseHead head, bool ends) {
  PARLEY_ASSERT(!begun());
  if (finished()) return;
  record_.status = head.status;
  response_ = std::move(head);
  add_answer_fields(response_);
  stage_ = Stage::HeadHeld;
  if (ends) return finish({});
  connection_.context().loop.flush_later(*this);
}

void Http1Exchange::flush() {
  if (stage_ == Stage::HeadHeld) send_head(std::nullopt, {});
}

loop::Task<Result<void>> Http1Exchange::write(Bytes bytes) {
  PARLEY_ASSERT(begun() || finished());
  if (finished() || !fits(bytes.size())) co_return client_gone();
  if (stage_ == Stage::HeadHeld) {
    send_head(std::nullopt, std::move(bytes));
  } else {
    send_part(std::move(bytes));
  }
  net::ByteStream& stream = connection_.stream();
  bool late = false;
  while (connection_.full() && !late) {
    late = co_await connection_.wait_for_room(taking_);
  }
  if (stream.broken()) {
    record_.reset = true;
    connection_.lose();
    Failure gone = client_gone();
    if (late) record_.limit = gone.with_limit("http.write_timeout").limit_name();
    co_return gone;
  }
  co_return {};
}

void Http1Exchange::finish(Fields trailers) {
  if (finished()) return;
  PARLEY_ASSERT(begun());
  const bool trailing =
      !trailers.empty() && parser_.head().accepts_trailers && version() == Version::Http11;
  if (stage_ == Stage::HeadHeld) {
    send_head(trailing ? std::nullopt : std::optional<uint64_t>(0), {});
  }
  if (framing_.kind == Http1Framing::Kind::Chunked) {
    ByteBuffer out;
    write_last_chunk(out, trailing ? trailers : Fields());
    connection_.stream().write(out.take());
  }
  end();
}

void Http1Exchange::finish_with(Bytes last) {
  if (finished()) return;
  PARLEY_ASSERT(begun());
  if (stage_ == Stage::HeadHeld) {
    const uint64_t length = last.size();
    send_head(length, std::move(last));
  } else if (fits(last.size())) {
    send_part(std::move(last));
  }
  finish({});
}

// The answer is complete, unless the length that it promised was not reached.
void Http1Exchange::end() {
  const bool short_of =
      framing_.kind == Http1Framing::Kind::Length && !is_to_head() && sent_ != framing_.length;
  if (short_of) return reset(Code::Internal);
  stage_ = Stage::Finished;
  unlink();
}

void Http1Exchange::reset(Code) {
  if (finished()) return;
  cut_off_ = stage_ == Stage::Body && framing_.kind == Http1Framing::Kind::UntilClose;
  if (stage_ != Stage::Body) record_.status = 0;
  stage_ = Stage::Finished;
  record_.reset = true;
  reusable_ = false;
  unlink();
}

// A body that is longer than its head said ends here.
bool Http1Exchange::fits(size_t size) {
  if (stage_ != Stage::Body || framing_.kind != Http1Framing::Kind::Length || is_to_head() ||
      size <= framing_.length - sent_) {
    return true;
  }
  reset(Code::Internal);
  return false;
}

Http1Framing Http1Exchange::choose_framing(std::optional<uint64_t> length) const {
  using Kind = Http1Framing::Kind;
  if (is_bodiless(response_.status)) return {};
  const std::optional<uint64_t> declared = declared_length(response_);
  if (is_to_head()) {
    // What GET would have: a body that is empty here need not be empty there.
    if (length == 0) length = declared;
    if (length || declared) return {Kind::Length, length ? *length : *declared};
    return {Kind::Unsaid};
  }
  if (length) return {Kind::Length, *length};
  if (declared) return {Kind::Length, *declared};
  return {version() == Version::Http10 ? Kind::UntilClose : Kind::Chunked};
}

bool Http1Exchange::will_be_reusable(bool complete) const {
  if (close_ || !parser_.head().keep_alive || connection_.ends_after_answer()) return false;
  if (framing_.kind == Http1Framing::Kind::UntilClose) return false;
  if (parser_.body().ended()) return true;
  const bool unsolicited = parser_.head().expects_continue && !continued_;
  if (unsolicited && connection_.input().empty()) return false;  // it may send the body, or not
  return !complete || parser_.body().remaining().value_or(0) <= Http1Connection::kDrainBytesMax;
}

void Http1Exchange::send_head(std::optional<uint64_t> length, Bytes part) {
  framing_ = choose_framing(length);
  reusable_ = will_be_reusable(length.has_value());
  stage_ = Stage::Body;
  ByteBuffer out(256 + response_.fields.bytes() + std::min(part.size(), kInlineBodyMax));
  const Http1Closing closing{!reusable_, version() == Version::Http10};
  write_response_head(out, response_, framing_, closing, connection_.context().loop.wall());
  response_.fields = {};
  if (part.size() <= kInlineBodyMax) append_part(out, std::exchange(part, {}).view());
  connection_.stream().write(out.take());
  if (!part.empty()) send_part(std::move(part));
}

void Http1Exchange::send_part(Bytes part) {
  if (part.size() <= kInlineBodyMax) {
    ByteBuffer out;
    append_part(out, part.view());
    if (!out.empty()) connection_.stream().write(out.take());
    return;
  }
  if (is_to_head() || framing_.kind == Http1Framing::Kind::None) return;
  sent_ += part.size();
  record_.response_bytes += part.size();
  net::ByteStream& stream = connection_.stream();
  if (framing_.kind != Http1Framing::Kind::Chunked) return stream.write(std::move(part));
  ByteBuffer line;
  write_chunk_line(line, part.size());
  stream.write(line.take());
  stream.write(std::move(part));
  stream.write(Bytes::copy("\r\n"));
}

void Http1Exchange::append_part(ByteBuffer& out, std::string_view part) {
  const bool dropped = is_to_head() || framing_.kind == Http1Framing::Kind::None;
  if (part.empty() || dropped) return;
  sent_ += part.size();
  record_.response_bytes += part.size();
  const bool chunked = framing_.kind == Http1Framing::Kind::Chunked;
  if (chunked) write_chunk_line(out, part.size());
  out.append(part);
  if (chunked) out.append("\r\n");
}

}  // namespace parley::http
