#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/ascii.h"
#include "http/http2_core.h"
#include "http/server.h"
#include "http/timed_wait.h"
#include "loop/combine.h"
#include "loop/task_set.h"

namespace parley::http {
namespace {

// Chunks that one connection takes before what it has to say leaves and others have their turn.
constexpr size_t kChunksInARow = 16;
// How long, and for how many bytes, a connection is read after its end, so that closing it does not
// destroy the last answers on their way (RFC 9112, 9.6 says it of HTTP/1.1; it is TCP's nature).
constexpr Duration kLingerTime = std::chrono::seconds(2);
constexpr size_t kLingerBytesMax = 1 << 20;

// The same for a stream whose answer is whole before its request: some clients forget the answer
// when RST_STREAM follows at once, as RFC 9113, 8.1 allows.
constexpr Duration kRequestEndTime = std::chrono::seconds(1);
constexpr size_t kRequestEndBytesMax = 16 << 20;

class Http2Server;

// One stream of a client as an exchange.
//
//   head arrives → served by a task → finished or reset, and closed in nghttp2 → deleted by the
//   connection
class Http2Exchange final : public Exchange, public Http2Stream, public loop::Link {
 public:
  Http2Exchange(Http2Server& server, int32_t id);

  Version version() const override { return Version::Http2; }
  const net::Address& peer() const override;
  const net::TlsInfo& tls() const override;
  loop::Task<Result<Bytes>> read() override;
  const Fields& trailers() const override { return received_trailers; }
  bool request_ended() const override { return received_end && received.empty(); }
  std::optional<uint64_t> content_length() const override;
  void inform(uint16_t status, const Fields& fields) override;
  void begin(ResponseHead head, bool ends) override;
  loop::Task<Result<void>> write(Bytes bytes) override;
  void finish(Fields trailers) override;
  void finish_with(Bytes last) override;
  void reset(Code code) override;
  bool finished() const override { return finished_ || closed; }
  bool answered() const { return finished_; }
  bool head_complete() const { return head_complete_; }
  void close_after() override;

  // The task that serves the exchange, and what becomes of it.
  loop::TaskSet::Id task;
  bool served = true;  // no task serves it: not yet, or no longer

 private:
  void on_field(std::string_view name, std::string_view value, bool never_index) override;
  void on_head_complete() override;
  void on_closed() override;
  void check_head();

  Http2Server& server_;
  ResponseHead response_;
  std::string status_text_;
  std::optional<Failure> refusal_;  // why HTTP itself refuses the request
  bool head_complete_ = false;
  bool finished_ = false;
};

// A client's HTTP/2 connection (RFC 9113).
class Http2Server final : public Http2Core {
 public:
  Http2Server(std::unique_ptr<net::ByteStream> stream, const ServerContext& context);
  ~Http2Server() override;

  loop::Task<void> run(Bytes first);

  const ServerContext& context() const { return context_; }
  void serve(Http2Exchange& exchange, std::optional<Failure> refusal);
  void closed(Http2Exchange& exchange);
  void go_away();

 private:
  void finish_going_away();
  Http2Stream* on_stream_begin(int32_t id) override;
  void on_frame(const nghttp2_frame& frame) override;
  void after_events() override;

  loop::Task<void> serve_one(Http2Exchange& exchange);
  loop::Task<void> refuse_one(Http2Exchange& exchange, Failure failure);
  loop::Task<void> drain_when_told();
  loop::Task<void> guard();
  loop::Task<void> linger();
  void check_idle();
  void count_reset();
  void submit_settings();
  loop::Task<void> see_request_off(Http2Exchange& exchange);
  void end(Http2Exchange& exchange);
  void cancel(Http2Exchange& exchange);
  bool over() { return finished() || (going_away_ && exchange_count_ == 0 && shutdown_sent_); }

  const ServerContext context_;
  loop::List<Http2Exchange> open_;    // streams in nghttp2
  loop::List<Http2Exchange> closed_;  // streams that nghttp2 has closed, to be deleted
  size_t exchange_count_ = 0;
  uint64_t resets_ = 0;
  int32_t reset_by_client_ = 0;  // the stream of the last RST_STREAM that came
  uint64_t requests_ = 0;
  Instant last_activity_{};
  bool going_away_ = false;
  bool shutdown_sent_ = false;
  // Destroyed first: its tasks refer to the exchanges.
  loop::TaskSet tasks_;
};

Http2Exchange::Http2Exchange(Http2Server& server, int32_t id)
    : Http2Stream(server, id), server_(server) {
  const Settings& settings = server.context().settings;
  request_.fields = Fields({settings.header_bytes_max, settings.header_count_max});
  received_trailers = Fields({settings.header_bytes_max, settings.header_count_max});
  record_.started = server.loop().now();
}

const net::Address& Http2Exchange::peer() const { return server_.stream().peer(); }
const net::TlsInfo& Http2Exchange::tls() const { return server_.stream().tls(); }

void Http2Exchange::on_field(std::string_view name, std::string_view value, bool never_index) {
  Fields& to = head_complete_ ? received_trailers : request_.fields;
  if (to.append(name, value, never_index) || refusal_) return;
  refusal_ = Failure(Reason::HeadersTooLarge, "the header is over the limit")
                 .with_limit("http.header_bytes_max")
                 .take();
}

void Http2Exchange::on_head_complete() {
  if (head_complete_) return;  // trailers
  head_complete_ = true;
  if (!refusal_) check_head();
  server_.serve(*this, std::move(refusal_));
}

// What nghttp2 leaves to us of RFC 9113, 8.3.1 and our own limits.
void Http2Exchange::check_head() {
  Fields& fields = request_.fields;
  const auto host = fields.find(FieldId::Host);
  if (host) {
    const auto authority = fields.find(FieldId::PseudoAuthority);
    if (fields.count(FieldId::Host) > 1 || (authority && !ascii_equal(*authority, *host))) {
      refusal_ = Failure(Reason::RequestMalformed, "`host` and `:authority` differ");
      return;
    }
    if (!authority) {
      const std::string copy(*host);
      fields.add(FieldId::PseudoAuthority, copy);
    }
    fields.remove(FieldId::Host);
  }
  const size_t url_bytes_max = server_.context().settings.url_bytes_max;
  if (request_.target().size() > url_bytes_max) {
    refusal_ = Failure(Reason::UrlTooLong,
                       "the URL is longer than " + std::to_string(url_bytes_max) + " bytes")
                   .with_limit("http.url_bytes_max")
                   .take();
  }
}

void Http2Exchange::on_closed() {
  unlink();
  server_.closed(*this);
}

std::optional<uint64_t> Http2Exchange::content_length() const {
  const auto text = request_.fields.find(FieldId::ContentLength);
  uint64_t length = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), length).ec != std::errc())
    return std::nullopt;
  return length;
}

loop::Task<Result<Bytes>> Http2Exchange::read() {
  while (received.empty()) {
    if (received_end) co_return Bytes();
    if (closed)
      co_return Failure(Reason::ClientGone, "the client reset the stream").from(Origin::Client);
    co_await arrived.wait();
  }
  Bytes chunk = take_received();
  record_.request_bytes += chunk.size();
  co_return chunk;
}

void Http2Exchange::inform(uint16_t status, const Fields& fields) {
  if (closed || begun()) return;
  const std::string text = std::to_string(status);
  Fields head;
  head.add(FieldId::PseudoStatus, text);
  for (const Field field : fields) head.add(field.name, field.value);
  auto list = to_nghttp2(head);
  for (nghttp2_nv& item : list) item.flags = NGHTTP2_NV_FLAG_NONE;  // copied: `head` ends here
  nghttp2_submit_headers(core_.session(), NGHTTP2_FLAG_NONE, id(), nullptr, list.data(),
                         list.size(), nullptr);
  core_.wants_flush();
}

void Http2Exchange::begin(ResponseHead head, bool ends) {
  PARLEY_ASSERT(!begun());
  record_.status = head.status;
  finished_ = ends;
  if (closed) return;
  response_ = std::move(head);
  status_text_ = std::to_string(response_.status);
  std::vector<nghttp2_nv> list;
  list.reserve(response_.fields.size() + 1);
  const std::string_view name = field_name(FieldId::PseudoStatus);
  list.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                  reinterpret_cast<uint8_t*>(status_text_.data()), name.size(), status_text_.size(),
                  NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE});
  append_nghttp2(response_.fields, list);
  const nghttp2_data_provider body = Http2Core::body_of(*this);
  nghttp2_submit_response(core_.session(), id(), list.data(), list.size(), ends ? nullptr : &body);
  core_.wants_flush();
}

loop::Task<Result<void>> Http2Exchange::write(Bytes bytes) {
  record_.response_bytes += bytes.size();
  send(std::move(bytes), false);
  while (!closed && sending.size() >= core_.write_buffer_bytes()) co_await left.wait();
  if (closed)
    co_return Failure(Reason::ClientGone, "the client reset the stream").from(Origin::Client);
  co_return {};
}

void Http2Exchange::finish(Fields trailers) {
  if (finished_) return;
  finished_ = true;
  send_end(std::move(trailers));
}

void Http2Exchange::finish_with(Bytes last) {
  if (finished_) return;
  finished_ = true;
  record_.response_bytes += last.size();
  send(std::move(last), true);
}

void Http2Exchange::reset(Code code) {
  if (finished_ && closed) return;
  finished_ = true;
  record_.reset = true;
  if (closed) return;
  const uint32_t error = code == Code::Cancelled ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR;
  nghttp2_submit_rst_stream(core_.session(), NGHTTP2_FLAG_NONE, id(), error);
  core_.wants_flush();
}

void Http2Exchange::close_after() { server_.go_away(); }

Http2Server::Http2Server(std::unique_ptr<net::ByteStream> stream, const ServerContext& context)
    : Http2Core(Side::Server, std::move(stream), context.settings.write_buffer_bytes,
                context.settings.control_frames_queued_max),
      context_(context),
      last_activity_(context.loop.now()),
      tasks_(context.loop) {}

Http2Server::~Http2Server() {
  open_.for_each([](Http2Exchange& exchange) { exchange.record().reset = !exchange.answered(); });
  tasks_.cancel_all();
  const auto drop = [](Http2Exchange& exchange) { delete &exchange; };
  open_.for_each(drop);
  closed_.for_each(drop);
}

void Http2Server::submit_settings() {
  const Settings& settings = context_.settings;
  const nghttp2_settings_entry entries[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.streams_max},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.header_bytes_max},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  nghttp2_submit_settings(session(), NGHTTP2_FLAG_NONE, entries, std::size(entries));
  // Returned on receipt, so it only has to cover what is in flight.
  const auto window =
      static_cast<int32_t>(std::max<uint32_t>(settings.stream_window_bytes * 4, 1u << 20));
  nghttp2_session_set_local_window_size(session(), NGHTTP2_FLAG_NONE, 0, window);
  wants_flush();
}

// size: the connection's whole life, in order
loop::Task<void> Http2Server::run(Bytes first) {
  submit_settings();
  tasks_.spawn(drain_when_told());
  tasks_.spawn(guard());
  tasks_.spawn(flush_when_writable());
  size_t in_a_row = 0;
  Bytes chunk = std::move(first);
  for (;;) {
    if (!chunk.empty()) {
      last_activity_ = loop().now();
      if (!receive(chunk)) break;
      chunk = {};
    }
    if (over() || stream().broken()) break;
    auto next = stream().try_read();
    if (!next) break;
    if (!*next) {
      in_a_row = 0;
      co_await stream().readable().wait();
      continue;
    }
    if ((*next)->empty()) co_return flush();  // the client has gone
    chunk = **std::move(next);
    if (++in_a_row == kChunksInARow) {
      in_a_row = 0;
      flush();
      co_await loop::Yield(loop());
    }
  }
  co_await linger();
}

// Ends our side after what is queued, and reads on until the client ends its own.
loop::Task<void> Http2Server::linger() {
  open_.for_each([this](Http2Exchange& exchange) { cancel(exchange); });
  flush();
  stream().shutdown();
  Instant due = kNever;  // guard() watches over what is queued
  for (size_t dropped = 0; !stream().broken() && dropped <= kLingerBytesMax;) {
    const auto chunk = stream().try_read();
    if (!chunk) co_return;
    const bool ended = *chunk && (*chunk)->empty();
    if (ended && stream().unsent() == 0) co_return;
    if (*chunk && !ended) {
      dropped += (*chunk)->size();
      continue;
    }
    if (stream().unsent() == 0 && due == kNever) due = deadline_after(loop().now(), kLingerTime);
    if (loop().now() >= due) co_return;
    co_await TimedWait(stream().readable(), stream().writable(), due);
  }
  stream().abort();
}

Http2Stream* Http2Server::on_stream_begin(int32_t id) {
  auto* exchange = new Http2Exchange(*this, id);  // owned by the list that it is in
  open_.push_back(*exchange);
  ++exchange_count_;
  ++requests_;
  return exchange;
}

void Http2Server::on_frame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_PING && (frame.hd.flags & NGHTTP2_FLAG_ACK) && going_away_)
    finish_going_away();
  if (frame.hd.type != NGHTTP2_RST_STREAM) return;
  reset_by_client_ = frame.hd.stream_id;
  count_reset();
}

// Rapid reset (CVE-2023-44487): a client may change its mind, not make a habit of it.
void Http2Server::count_reset() {
  if (++resets_ > context_.settings.resets_max + requests_ / 2) {
    nghttp2_session_terminate_session(session(), NGHTTP2_ENHANCE_YOUR_CALM);
  }
}

void Http2Server::closed(Http2Exchange& exchange) {
  closed_.push_back(exchange);
  // A client that makes us reset its stream, by a frame that is wrong there, saves itself the
  // RST_STREAM and no more (CVE-2025-8671).
  if (exchange.answered() || exchange.close_code == NGHTTP2_NO_ERROR) return;
  if (exchange.id() != reset_by_client_) count_reset();
}

void Http2Server::serve(Http2Exchange& exchange, std::optional<Failure> refusal) {
  exchange.served = false;
  exchange.task = refusal ? tasks_.spawn(refuse_one(exchange, *std::move(refusal)))
                          : tasks_.spawn(serve_one(exchange));
}

loop::Task<void> Http2Server::serve_one(Http2Exchange& exchange) {
  co_await context_.service.serve(exchange);
  if (exchange.answered() && !exchange.received_end) co_await see_request_off(exchange);
  end(exchange);
}

loop::Task<void> Http2Server::refuse_one(Http2Exchange& exchange, Failure failure) {
  co_await context_.service.refuse(exchange, std::move(failure));
  if (exchange.answered() && !exchange.received_end) co_await see_request_off(exchange);
  end(exchange);
}

// The answer is whole and the request is not: drops what still comes, and tells a client that goes
// on and on to stop (RFC 9113, 8.1).
loop::Task<void> Http2Server::see_request_off(Http2Exchange& exchange) {
  while (!exchange.closed && !exchange.end_sent) co_await exchange.arrived.wait();
  const Instant due = deadline_after(loop().now(), kRequestEndTime);
  size_t dropped = 0;
  while (!exchange.closed && !exchange.received_end) {
    while (!exchange.received.empty()) dropped += exchange.take_received().size();
    if (dropped > kRequestEndBytesMax || loop().now() >= due) {
      nghttp2_submit_rst_stream(session(), NGHTTP2_FLAG_NONE, exchange.id(), NGHTTP2_NO_ERROR);
      wants_flush();
      co_return;
    }
    co_await TimedWait(exchange.arrived, due);
  }
}

void Http2Server::end(Http2Exchange& exchange) {
  exchange.served = true;
  if (!exchange.finished()) {
    exchange.reset(Code::Internal);
  }
  wants_flush();
}

// Nobody will see an answer.
void Http2Server::cancel(Http2Exchange& exchange) {
  if (exchange.served || exchange.answered()) return;
  exchange.record().reset = true;
  exchange.served = true;
  tasks_.cancel(exchange.task);
}

void Http2Server::after_events() {
  closed_.for_each([this](Http2Exchange& exchange) {
    cancel(exchange);
    if (!exchange.served) return;  // it has answered: its task ends by itself
    --exchange_count_;
    delete &exchange;
  });
  if (over()) stream().readable().notify();
}

// RFC 9113, 6.8: a first GOAWAY that refuses nothing, and a round trip later the one that says
// which stream was the last.
void Http2Server::go_away() {
  if (going_away_) return;
  going_away_ = true;
  nghttp2_submit_shutdown_notice(session());
  nghttp2_submit_ping(session(), NGHTTP2_FLAG_NONE, nullptr);
  wants_flush();
}

void Http2Server::finish_going_away() {
  if (shutdown_sent_) return;
  shutdown_sent_ = true;
  nghttp2_submit_goaway(session(), NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session()), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  wants_flush();
}

loop::Task<void> Http2Server::drain_when_told() {
  while (!context_.drain.draining()) co_await context_.drain.started().wait();
  go_away();
}

// Ends connections that do nothing: no stream for idle_timeout, a header that does not end, or a
// client that takes no bytes.
loop::Task<void> Http2Server::guard() {
  const Settings& settings = context_.settings;
  const Duration interval =
      std::min({settings.idle_timeout, settings.write_timeout, settings.header_timeout});
  uint64_t taken = 0;
  Instant took = loop().now();
  for (;;) {
    co_await loop::sleep_for(loop(), interval);
    check_idle();
    if (stream().unsent() == 0 || delivered() != taken) {
      taken = delivered();
      took = loop().now();
    } else if (loop().now() - took >= settings.write_timeout) {
      stream().abort();
    }
  }
}

void Http2Server::check_idle() {
  const Instant now = loop().now();
  bool late = exchange_count_ == 0 && now - last_activity_ >= context_.settings.idle_timeout;
  // Until a header block ends, nothing else can come (RFC 9113, 6.10).
  open_.for_each([&](Http2Exchange& exchange) {
    const Duration age = now - exchange.record().started;
    late = late || (!exchange.head_complete() && age >= context_.settings.header_timeout);
  });
  if (!late) return;
  nghttp2_session_terminate_session(session(), NGHTTP2_NO_ERROR);
  wants_flush();
}

}  // namespace

loop::Task<void> serve_http2(std::unique_ptr<net::ByteStream> stream, Bytes first,
                             const ServerContext& context) {
  Http2Server server(std::move(stream), context);
  co_await server.run(std::move(first));
}

}  // namespace parley::http
