#include <charconv>
#include <utility>

#include "base/pool.h"
#include "http/client.h"
#include "http/http2_core.h"
#include "loop/combine.h"
#include "loop/task_set.h"

namespace parley::http {
namespace {

// Chunks that one connection takes before what it has to say leaves and others have their turn.
constexpr size_t kChunksInARow = 16;
// A header so many times over the limit is no mistake any more: HPACK makes it of few bytes.
constexpr uint32_t kExcessMax = 4;

class Http2Client;

// One request of ours. It stays in the connection's list while nghttp2 knows its stream.
class Http2ClientExchange final : public ClientExchange, public Http2Stream, public loop::Link {
 public:
  PARLEY_POOLED
  Http2ClientExchange(Http2Client& client, Fields head);
  ~Http2ClientExchange() override;

  loop::Task<Result<void>> write(Bytes bytes, bool last) override;
  void finish() override { send_end({}); }
  loop::Task<Result<ResponseHead>> head() override;
  loop::Task<Result<Bytes>> read() override;
  const Fields& trailers() const override { return received_trailers; }
  bool head_arrived() const override { return head_complete_; }
  void abort() override;
  int64_t reset_code() const override {
    return was_reset() ? static_cast<int64_t>(close_code) : -1;
  }
  uint64_t bytes_sent() const override { return bytes_sent_; }

  void submit(bool ends);
  void reset_by_peer() { reset_by_peer_ = true; }
  // `limit`: of ours, that the upstream has passed; empty: none.
  void connection_ended(const std::string& reason, const std::string& limit);

 private:
  void on_field(std::string_view name, std::string_view value, bool never_index) override;
  void on_head_complete() override;
  void on_closed() override;
  bool was_reset() const {
    return closed && !connection_ended_ && (close_code != NGHTTP2_NO_ERROR || !received_end);
  }
  Failure ended_early() const;
  Failure too_large(std::string_view limit, std::string message);

  Http2Client* client_;  // null once the connection has ended
  Fields request_;       // nghttp2 borrows its text
  ResponseHead response_;
  std::optional<Failure> broken_;  // a head that we refuse
  uint64_t bytes_sent_ = 0;
  size_t excess_bytes_ = 0;  // of fields that were over the limits
  uint32_t interim_heads_ = 0;
  bool head_complete_ = false;
  bool reset_by_peer_ = false;
  bool connection_ended_ = false;
  std::string end_reason_;
  std::string end_limit_;
};

// Our HTTP/2 connection to an upstream.
class Http2Client final : public ClientConnection, public Http2Core {
 public:
  Http2Client(std::unique_ptr<net::ByteStream> stream, const ClientSettings& settings);
  ~Http2Client() override;

  std::unique_ptr<ClientExchange> open(Fields head, bool ends) override;
  bool available() const override;
  bool alive() const override { return alive_; }
  bool greeted() const override { return greeted_; }
  bool going_away() const override { return going_away_; }
  size_t streams() const override { return stream_count_; }
  uint32_t streams_max() const override {
    return nghttp2_session_get_remote_settings(session_const(),
                                               NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  }
  uint32_t peer_header_bytes_max() const override {
    return nghttp2_session_get_remote_settings(session_const(),
                                               NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE);
  }
  bool was_of_use() const override { return was_of_use_; }
  bool calm_asked() const override { return calm_asked_; }
  loop::Signal& changed() override { return changed_; }
  const std::string& end_reason() const override { return end_reason_; }
  void drain() override;

  const ClientSettings& settings() const { return settings_; }
  void opened(Http2ClientExchange& exchange);
  void closed();

 private:
  Http2Stream* on_stream_begin(int32_t) override { return nullptr; }  // no server push
  void on_frame(const nghttp2_frame& frame) override;
  void on_headers_without_stream(int32_t) override { flood().overhead(); }
  void after_events() override;
  loop::Task<void> run();
  loop::Task<void> keep_alive();
  void end(std::string reason, const std::string& limit = {});
  // Whether there is nothing left to do; also once nghttp2 has ended the session for an error.
  bool over() { return finished() || (going_away_ && stream_count_ == 0); }
  nghttp2_session* session_const() const { return const_cast<Http2Client*>(this)->session(); }

  const ClientSettings settings_;
  loop::Signal changed_;
  loop::List<Http2ClientExchange> open_;
  size_t stream_count_ = 0;
  bool alive_ = true;
  bool going_away_ = false;
  bool greeted_ = false;
  bool was_of_use_ = false;
  bool calm_asked_ = false;
  bool stream_closed_ = false;
  bool ping_answered_ = true;
  Instant last_received_{};
  std::string end_reason_;
  loop::TaskSet tasks_;
};

Http2ClientExchange::Http2ClientExchange(Http2Client& client, Fields head)
    : Http2Stream(client, -1), client_(&client), request_(std::move(head)) {
  const FieldLimits limits{client.settings().header_bytes_max, client.settings().header_count_max};
  response_.fields = Fields(limits);
  received_trailers = Fields(limits);
}

// Whoever waited for the answer is gone: so is the work at the upstream.
Http2ClientExchange::~Http2ClientExchange() { abort(); }

void Http2ClientExchange::abort() {
  if (!client_ || closed) return;
  nghttp2_session_set_stream_user_data(core_.session(), id_, nullptr);
  nghttp2_submit_rst_stream(core_.session(), NGHTTP2_FLAG_NONE, id_, NGHTTP2_CANCEL);
  closed = true;
  close_code = NGHTTP2_CANCEL;
  unlink();
  client_->closed();
  arrived.notify();
  left.notify();
  core_.wants_flush();
}

void Http2ClientExchange::submit(bool ends) {
  const auto list = to_nghttp2(request_);
  const nghttp2_data_provider body = Http2Core::body_of(*this);
  id_ = nghttp2_submit_request(core_.session(), nullptr, list.data(), list.size(),
                               ends ? nullptr : &body, static_cast<Http2Stream*>(this));
  sending_end = ends;
  if (id_ < 0) {  // out of stream ids, or nghttp2 has ended the session
    closed = true;
    close_code = NGHTTP2_REFUSED_STREAM;
  }
}

void Http2ClientExchange::connection_ended(const std::string& reason, const std::string& limit) {
  unlink();
  client_ = nullptr;
  connection_ended_ = true;
  end_reason_ = reason;
  end_limit_ = limit;
  if (closed) return;
  closed = true;
  close_code = NGHTTP2_CANCEL;
  arrived.notify();
  left.notify();
}

void Http2ClientExchange::on_field(std::string_view name, std::string_view value,
                                   bool never_index) {
  if (name == ":status" && !head_complete_) {
    std::from_chars(value.data(), value.data() + value.size(), response_.status);
    return;
  }
  Fields& to = head_complete_ ? received_trailers : response_.fields;
  if (to.append(name, value, never_index)) return;
  if (!broken_) {
    const bool count = to.size() >= to.limits().count_max;
    broken_ = too_large(count ? "header_count_max" : "header_bytes_max",
                        "the upstream's header is over the limit");
  }
  excess_bytes_ += name.size() + value.size() + 32;
  if (excess_bytes_ > size_t{kExcessMax} * to.limits().bytes_max)
    core_.flood().trip("header_bytes_max", "a header far over the limit");
}

void Http2ClientExchange::on_head_complete() {
  if (head_complete_) return;
  if (response_.status >= 200 || received_end) {
    head_complete_ = true;
    return;
  }
  response_.fields.clear();  // an interim response
  const uint32_t max = client_ ? client_->settings().interim_heads_max : 0;
  if (++interim_heads_ > max && !broken_)
    broken_ = too_large("interim_heads_max", "the upstream sends interim responses without end");
}

void Http2ClientExchange::on_closed() {
  unlink();
  if (client_) client_->closed();
}

Failure Http2ClientExchange::too_large(std::string_view limit, std::string message) {
  return Failure(Reason::UpstreamTooLarge, std::move(message))
      .with_limit(core_.flood().name_of(limit))
      .from(Origin::Upstream)
      .take();
}

Failure Http2ClientExchange::ended_early() const {
  if (connection_ended_) {
    Failure failure(Reason::UpstreamUnavailable, "the connection to the upstream broke");
    failure.with_detail(end_reason_).with_limit(end_limit_).from(Origin::Upstream);
    failure.remedy(head_sent ? Remedy::None : Remedy::RetryElsewhere);
    return failure;
  }
  // What nghttp2 does not let pass it resets itself (RFC 9113, 5.4.2 and 8.1.1).
  if (!reset_by_peer_ &&
      (close_code == NGHTTP2_PROTOCOL_ERROR || close_code == NGHTTP2_FLOW_CONTROL_ERROR)) {
    return Failure(Reason::UpstreamMalformed, "the upstream's answer is not valid HTTP/2")
        .from(Origin::Upstream)
        .take();
  }
  Failure failure(Reason::UpstreamReset, "the upstream reset the stream");
  failure.with_detail(nghttp2_http2_strerror(close_code)).from(Origin::Upstream);
  if (close_code == NGHTTP2_REFUSED_STREAM) failure.remedy(Remedy::RetryElsewhere);
  return failure;
}

loop::Task<Result<void>> Http2ClientExchange::write(Bytes bytes, bool last) {
  if (closed) co_return ended_early();
  bytes_sent_ += bytes.size();
  send(std::move(bytes), last);
  const uint32_t mark = core_.write_buffer_bytes();
  while (!closed && !received_end && sending.size() >= mark) co_await left.wait();
  // An upstream that has answered in full need not take the rest.
  if (received_end ? sending.size() >= mark : closed) co_return ended_early();
  co_return {};
}

loop::Task<Result<ResponseHead>> Http2ClientExchange::head() {
  while (!head_complete_ && !closed && !broken_) co_await arrived.wait();
  if (broken_) co_return broken_->clone();
  if (!head_complete_) co_return ended_early();
  co_return std::move(response_);
}

loop::Task<Result<Bytes>> Http2ClientExchange::read() {
  while (received.empty()) {
    if (broken_) co_return broken_->clone();
    if (received_end) co_return Bytes();
    if (closed) co_return ended_early();
    co_await arrived.wait();
  }
  co_return take_received();
}

Http2Limits limits_of(const ClientSettings& settings) {
  return {.prefix = settings.prefix,
          .write_buffer_bytes = settings.write_buffer_bytes,
          .control_frames_queued_max = settings.control_frames_queued_max,
          .continuation_frames_max = settings.continuation_frames_max,
          .overhead_frames_max = settings.overhead_frames_max};
}

Http2Client::Http2Client(std::unique_ptr<net::ByteStream> stream, const ClientSettings& settings)
    : Http2Core(Side::Client, std::move(stream), limits_of(settings)),
      settings_(settings),
      changed_(loop()),
      last_received_(loop().now()),
      tasks_(loop()) {
  const nghttp2_settings_entry entries[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.header_bytes_max},
  };
  nghttp2_submit_settings(session(), NGHTTP2_FLAG_NONE, entries, std::size(entries));
  nghttp2_session_set_local_window_size(session(), NGHTTP2_FLAG_NONE, 0,
                                        settings.connection_window_bytes);
  wants_flush();
  tasks_.spawn(run());
  tasks_.spawn(keep_alive());
  tasks_.spawn(flush_when_writable());
}

Http2Client::~Http2Client() {
  tasks_.cancel_all();
  end("the connection was closed");
}

bool Http2Client::available() const {
  return alive_ && !going_away_ && stream_count_ < streams_max() &&
         nghttp2_session_check_request_allowed(session_const());
}

std::unique_ptr<ClientExchange> Http2Client::open(Fields head, bool ends) {
  auto exchange = std::make_unique<Http2ClientExchange>(*this, std::move(head));
  exchange->submit(ends);
  flood().request();
  if (!exchange->closed) {
    open_.push_back(*exchange);
    ++stream_count_;
  }
  wants_flush();
  return exchange;
}

void Http2Client::closed() {
  --stream_count_;
  stream_closed_ = true;
  wants_flush();
}

void Http2Client::on_frame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_HEADERS) was_of_use_ = true;
  if (frame.hd.type == NGHTTP2_RST_STREAM) {
    void* stream = nghttp2_session_get_stream_user_data(session(), frame.hd.stream_id);
    if (stream)
      static_cast<Http2ClientExchange*>(static_cast<Http2Stream*>(stream))->reset_by_peer();
  } else if (frame.hd.type == NGHTTP2_GOAWAY) {
    going_away_ = true;
    // The highest id of all is a notice beforehand (RFC 9113, 6.8), which says nothing.
    const int32_t last = frame.goaway.last_stream_id;
    was_of_use_ = was_of_use_ || (last > 0 && last < INT32_MAX);
    calm_asked_ = frame.goaway.error_code == NGHTTP2_ENHANCE_YOUR_CALM;
    changed_.notify();
  } else if (frame.hd.type == NGHTTP2_SETTINGS && !(frame.hd.flags & NGHTTP2_FLAG_ACK)) {
    greeted_ = true;
    changed_.notify();
  } else if (frame.hd.type == NGHTTP2_PING && (frame.hd.flags & NGHTTP2_FLAG_ACK)) {
    ping_answered_ = true;
  }
}

void Http2Client::after_events() {
  if (stream_closed_) changed_.notify();
  stream_closed_ = false;
  if (over()) stream().readable().notify();
}

loop::Task<void> Http2Client::run() {
  for (size_t in_a_row = 0; alive_ && !over();) {
    auto next = stream().try_read();
    if (!next) {
      end(next.error().message());
      co_return;
    }
    if (!*next) {
      in_a_row = 0;
      co_await stream().readable().wait();
      continue;
    }
    if ((*next)->empty()) {
      end("the upstream closed the connection");
      co_return;
    }
    last_received_ = loop().now();
    if (auto received = receive(**next); !received) {
      flush();  // the GOAWAY that says why
      end(received.error().message(), received.error().limit_name());
      co_return;
    }
    if (++in_a_row == kChunksInARow) {
      in_a_row = 0;
      flush();
      co_await loop::Yield(loop());
    }
  }
  flush();
  end(going_away_ ? "the upstream is going away" : "the upstream broke the rules of HTTP/2");
}

void Http2Client::end(std::string reason, const std::string& limit) {
  if (!alive_) return;
  alive_ = false;
  fall_silent();  // who waits for a stream may destroy it as soon as it learns of the end
  end_reason_ = std::move(reason);
  open_.for_each(
      [&](Http2ClientExchange& exchange) { exchange.connection_ended(end_reason_, limit); });
  stream_count_ = 0;
  stream().shutdown();
  changed_.notify();
}

void Http2Client::drain() {
  going_away_ = true;
  changed_.notify();
  stream().readable().notify();
}

// Pings only while calls are open: gRPC servers answer more with GOAWAY too_many_pings (gRFC A8).
loop::Task<void> Http2Client::keep_alive() {
  for (;;) {
    co_await loop::sleep_for(loop(), settings_.ping_interval);
    if (!alive_) co_return;
    if (stream_count_ == 0 || loop().now() - last_received_ < settings_.ping_interval) continue;
    ping_answered_ = false;
    const Instant asked = loop().now();
    nghttp2_submit_ping(session(), NGHTTP2_FLAG_NONE, nullptr);
    wants_flush();
    co_await loop::sleep_for(loop(), settings_.ping_timeout);
    if (ping_answered_ || last_received_ > asked) continue;
    const std::string limit = flood().name_of("ping_timeout");
    end("the upstream did not answer a ping (limit " + limit + ")", limit);
    stream().abort();
    co_return;
  }
}

}  // namespace

std::unique_ptr<ClientConnection> make_h2_client(std::unique_ptr<net::ByteStream> stream,
                                                 const ClientSettings& settings) {
  return std::make_unique<Http2Client>(std::move(stream), settings);
}

}  // namespace parley::http
