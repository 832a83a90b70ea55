#include <algorithm>
#include <iterator>

#include "http/http2_exchange.h"
#include "http/http2_recent_streams.h"
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

// Between the two GOAWAYs of a connection that ends (RFC 9113, 6.8), at most.
constexpr Duration kGoAwayTime = std::chrono::seconds(1);

// A client's HTTP/2 connection (RFC 9113).
class Http2Server final : public Http2Core, private Http2ExchangeOwner {
 public:
  Http2Server(std::unique_ptr<net::ByteStream> stream, const ServerContext& context,
              Instant accepted);
  ~Http2Server() override;

  loop::Task<void> run(Bytes first);

 private:
  const ServerContext& context() const override { return context_; }
  void serve(Http2Exchange& exchange, std::optional<Failure> refusal) override;
  void closed(Http2Exchange& exchange) override;
  void go_away() override;
  loop::Task<void> see_goaway_off();
  void finish_going_away();
  Http2Stream* on_stream_begin(int32_t id) override;
  void on_frame(const nghttp2_frame& frame) override;
  void on_frame_head(const Http2FrameWalk::Head& head) override;
  void on_ignored_data(uint64_t frames, uint64_t bytes) override;
  void on_headers_without_stream(int32_t id) override;
  void after_events() override;

  loop::Task<void> serve_one(Http2Exchange& exchange, std::optional<Failure> refusal);
  loop::Task<void> drain_when_told();
  loop::Task<void> guard();
  loop::Task<void> linger();
  Instant header_due() const;
  void check_idle();
  void limit_requests();
  void check_stalled();
  void give_up(Http2Exchange& exchange);
  void count_limit(std::string_view limit);
  void submit_settings();
  void refuse_stream(int32_t id);
  void expect_late_data();
  void end_with(uint32_t code, std::string_view limit, std::string_view why);
  loop::Task<void> see_request_off(Http2Exchange& exchange);
  void end(Http2Exchange& exchange);
  void cancel(Http2Exchange& exchange);
  bool over() {
    return ended_ || finished() || (going_away_ && exchange_count_ == 0 && shutdown_sent_);
  }

  const ServerContext context_;
  loop::List<Http2Exchange> open_;      // streams in nghttp2
  loop::List<Http2Exchange> closed_;    // streams that nghttp2 has closed, to be deleted
  Http2RecentStreams ended_by_client_;  // by END_STREAM or RST_STREAM
  Http2RecentStreams closed_ids_;
  Http2RecentStreams closed_by_client_;  // of these, where the client's side was over
  int32_t last_begun_ = 0;               // the highest stream of which HEADERS came
  size_t exchange_count_ = 0;
  uint32_t open_count_ = 0;  // of open_
  uint64_t requests_ = 0;
  uint64_t late_bytes_;          // of DATA that may still come for streams that we have reset
  int32_t reset_by_client_ = 0;  // the stream of the last RST_STREAM that came
  const Instant accepted_;
  Instant last_request_{};  // since when no request is open; of the start, if none was
  bool greeted_ = false;    // the client's preface has come whole, SETTINGS and all
  bool going_away_ = false;
  std::string_view farewell_;  // why, as the last GOAWAY says it
  bool shutdown_sent_ = false;
  bool ended_ = false;  // by a limit, with a GOAWAY that names it
  // Destroyed first: its tasks refer to the exchanges.
  loop::TaskSet tasks_;
};

Http2Limits limits_of(const Settings& settings) {
  return {.prefix = "http.",
          .write_buffer_bytes = settings.write_buffer_bytes,
          .control_frames_queued_max = settings.control_frames_queued_max,
          .continuation_frames_max = settings.continuation_frames_max,
          .overhead_frames_max = settings.overhead_frames_max,
          .resets_max = settings.resets_max};
}

// The connection's window is returned on receipt, so it only has to cover what is in flight.
uint32_t connection_window(const Settings& settings) {
  return std::max<uint32_t>(settings.stream_window_bytes * 4, 1u << 20);
}

Http2Server::Http2Server(std::unique_ptr<net::ByteStream> stream, const ServerContext& context,
                         Instant accepted)
    : Http2Core(Side::Server, std::move(stream), limits_of(context.settings)),
      context_(context),
      late_bytes_(connection_window(context.settings)),
      accepted_(std::min(accepted, context.loop.now())),
      last_request_(context.loop.now()),
      tasks_(context.loop) {}

Http2Server::~Http2Server() {
  open_.for_each([](Http2Exchange& exchange) { exchange.record().reset = !exchange.answered(); });
  tasks_.cancel_all();
  const auto drop = [](Http2Exchange& exchange) { delete &exchange; };
  open_.for_each(drop);
  closed_.for_each(drop);
}

// For a stream too many nghttp2 ends the connection; RFC 9113, 5.1.2 allows to refuse the stream
// alone. So nghttp2 is told of no limit, on_stream_begin() counts, and the SETTINGS that leave say
// ours.
void Http2Server::submit_settings() {
  const Settings& settings = context_.settings;
  const nghttp2_settings_entry entries[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, INT32_MAX},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.header_bytes_max},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  nghttp2_submit_settings(session(), NGHTTP2_FLAG_NONE, entries, std::size(entries));
  write_first_settings(settings.streams_max);
  nghttp2_session_set_local_window_size(session(), NGHTTP2_FLAG_NONE, 0,
                                        static_cast<int32_t>(connection_window(settings)));
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
      if (const auto received = receive(chunk); !received) {
        ended_ = true;
        count_limit(received.error().limit_name());
        break;
      }
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
  if (flood().suspicious()) return nullptr;
  if (open_count_ >= context_.settings.streams_max) {
    refuse_stream(id);
    return nullptr;
  }
  flood().request();
  auto* exchange = new Http2Exchange(*this, *this, id);  // owned by the list that it is in
  open_.push_back(*exchange);
  ++exchange_count_;
  ++open_count_;
  ++requests_;
  limit_requests();
  return exchange;
}

// Ends in peace, as if the listener drained; a client that does not answer our PING, in time.
void Http2Server::limit_requests() {
  const uint64_t requests_max = context_.settings.requests_per_connection_max;
  if (requests_max == 0 || requests_ < requests_max) return;
  if (!going_away_) {
    count_limit("http.requests_per_connection_max");
    farewell_ = "it has had all its requests (limit http.requests_per_connection_max)";
  }
  go_away();
  if (requests_ >= requests_max + context_.settings.streams_max) finish_going_away();
}

void Http2Server::on_frame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_PING && (frame.hd.flags & NGHTTP2_FLAG_ACK) && going_away_)
    finish_going_away();
  if (frame.hd.type == NGHTTP2_SETTINGS) greeted_ = true;
  if (frame.hd.type != NGHTTP2_RST_STREAM) return;
  // Rapid reset (CVE-2023-44487): a client may change its mind, not make a habit of it.
  reset_by_client_ = frame.hd.stream_id;
  flood().reset();
}

// RFC 9113, 5.1: what follows the client's own end of a stream is an error. What follows our reset
// is on its way.
void Http2Server::on_frame_head(const Http2FrameWalk::Head& head) {
  const bool message = head.type == NGHTTP2_HEADERS || head.type == NGHTTP2_DATA;
  if (head.type == NGHTTP2_DATA && ended_by_client_.has(head.stream))
    violated(NGHTTP2_STREAM_CLOSED, "DATA on a stream that the client has ended");
  const bool ends = message && (head.flags & NGHTTP2_FLAG_END_STREAM);
  if (ends || head.type == NGHTTP2_RST_STREAM) ended_by_client_.add(head.stream);
}

// A client may have sent a window's worth when it sees that we have reset its stream. What is more
// makes work and is none (RFC 9113, 5.4.2).
void Http2Server::on_ignored_data(uint64_t frames, uint64_t bytes) {
  const uint64_t late = std::min(bytes, late_bytes_);
  late_bytes_ -= late;
  flood().overhead((frames * (bytes - late) + bytes - 1) / bytes);  // of their mean size
}

// On a stream that we end. Never for more than the connection's window, which is there at first: a
// stream is reset some time before nghttp2 tells that it is closed.
void Http2Server::expect_late_data() {
  const Settings& settings = context_.settings;
  late_bytes_ =
      std::min<uint64_t>(late_bytes_ + settings.stream_window_bytes, connection_window(settings));
}

// RFC 9113, 5.1 and 5.1.1.
void Http2Server::on_headers_without_stream(int32_t id) {
  if (id > last_begun_) {
    last_begun_ = id;
    return;
  }
  flood().overhead();
  if (!closed_ids_.may_have_had(id)) {
    violated(NGHTTP2_PROTOCOL_ERROR, "a stream id that went back");
  } else if (closed_by_client_.has(id)) {
    violated(NGHTTP2_STREAM_CLOSED, "HEADERS on a stream that the client has closed");
  }
}

// One that the client had no right to: the others are not at fault. nghttp2 resets it by itself,
// unless it has been reset; REFUSED_STREAM says that it may come again (RFC 9113, 8.7).
void Http2Server::refuse_stream(int32_t id) {
  nghttp2_submit_rst_stream(session(), NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
  flood().reset();
  expect_late_data();
  closed_ids_.add(id);
  count_limit("http.streams_max");
}

void Http2Server::count_limit(std::string_view limit) { context_.count_limit(limit); }

void Http2Server::closed(Http2Exchange& exchange) {
  closed_.push_back(exchange);
  --open_count_;
  closed_ids_.add(exchange.id());
  if (exchange.end_sent) flood().answered();
  if (exchange.received_end || exchange.id() == reset_by_client_) {
    closed_by_client_.add(exchange.id());
  } else {
    expect_late_data();
  }
  // A client that makes us reset its stream, by a frame that is wrong there, saves itself the
  // RST_STREAM and no more (CVE-2025-8671).
  if (exchange.answered() || exchange.close_code == NGHTTP2_NO_ERROR) return;
  if (exchange.id() != reset_by_client_) flood().reset();
}

void Http2Server::serve(Http2Exchange& exchange, std::optional<Failure> refusal) {
  exchange.served = false;
  exchange.task = tasks_.spawn(serve_one(exchange, std::move(refusal)));
}

loop::Task<void> Http2Server::serve_one(Http2Exchange& exchange, std::optional<Failure> refusal) {
  if (refusal) {
    co_await context_.service.refuse(exchange, *std::move(refusal));
  } else {
    co_await context_.service.serve(exchange);
  }
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
    last_request_ = loop().now();
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
  wants_flush();
  tasks_.spawn(see_goaway_off());
}

// Waits for the round trip. The PING leaves a turn later, for nghttp2 would put it in front.
loop::Task<void> Http2Server::see_goaway_off() {
  co_await loop::sleep_for(loop(), std::chrono::milliseconds(1));
  nghttp2_submit_ping(session(), NGHTTP2_FLAG_NONE, nullptr);
  wants_flush();
  // A client may leave a PING unanswered; what it had sent by then has come.
  co_await loop::sleep_for(loop(), kGoAwayTime);
  finish_going_away();
}

void Http2Server::finish_going_away() {
  if (shutdown_sent_) return;
  shutdown_sent_ = true;
  nghttp2_submit_goaway(session(), NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session()), NGHTTP2_NO_ERROR,
                        reinterpret_cast<const uint8_t*>(farewell_.data()), farewell_.size());
  wants_flush();
  if (over()) stream().readable().notify();
}

loop::Task<void> Http2Server::drain_when_told() {
  while (!context_.drain.draining()) co_await context_.drain.started().wait();
  go_away();
}

// Ends connections that do nothing: no stream for idle_timeout, a header that does not end, or a
// client that takes too few bytes; and streams whose windows stay shut.
loop::Task<void> Http2Server::guard() {
  const Settings& settings = context_.settings;
  const Duration interval =
      std::min({settings.idle_timeout, settings.write_timeout, settings.header_timeout});
  uint64_t taken = 0;
  Pace taking = answer_pace(settings);
  for (;;) {
    co_await loop::SleepUntil(loop(), std::min(loop().now() + interval, header_due()));
    check_idle();
    check_stalled();
    const Instant now = loop().now();
    const uint64_t more = delivered() - std::exchange(taken, delivered());
    if (more > 0) taking.moved(now, more);
    if (stream().unsent() == 0) {
      taking = answer_pace(settings);
    } else if (now >= taking.wait(now)) {
      count_limit("http.write_timeout");
      stream().abort();
    }
  }
}

// A client that gives a stream no window, or drops of it, holds its answer, as one that does not
// read would. Where the connection's window is what is shut, streams share what comes through it,
// and none of them is to blame alone.
void Http2Server::check_stalled() {
  const Instant now = loop().now();
  const bool shut = nghttp2_session_get_remote_window_size(session()) <= 0;
  size_t moved = 0;
  open_.for_each([&](Http2Exchange& exchange) { moved += exchange.moved(); });
  open_.for_each([&](Http2Exchange& exchange) {
    const bool alone = nghttp2_session_get_stream_remote_window_size(session(), exchange.id()) <= 0;
    const size_t taken = exchange.take_moved();
    if (exchange.sending.empty() || (!alone && !shut)) {
      exchange.taking = answer_pace(context_.settings);
      return;
    }
    if (moved > 0) exchange.taking.moved(now, alone ? taken : moved);
    if (now >= exchange.taking.wait(now)) give_up(exchange);
  });
  if (const auto failure = flood().passed())
    end_with(NGHTTP2_ENHANCE_YOUR_CALM, failure->limit_name(), failure->message());
}

void Http2Server::give_up(Http2Exchange& exchange) {
  count_limit("http.write_timeout");
  flood().stalled();
  exchange.record().reason = "the client took too little of the answer (limit http.write_timeout)";
  exchange.sending.clear();
  exchange.reset(Code::Cancelled);
}

// When the client is to have sent its preface, or the header that it has begun. Until a header
// block ends, nothing else can come (RFC 9113, 6.10).
Instant Http2Server::header_due() const {
  if (ended_) return kNever;
  return deadline_after(greeted_ ? header_since() : accepted_, context_.settings.header_timeout);
}

void Http2Server::check_idle() {
  const Instant now = loop().now();
  if (now >= header_due()) {
    return end_with(NGHTTP2_NO_ERROR, "http.header_timeout",
                    greeted_ ? "a header did not arrive in time (limit http.header_timeout)"
                             : "the preface did not arrive in time (limit http.header_timeout)");
  }
  if (exchange_count_ > 0 || now - last_request_ < context_.settings.idle_timeout) return;
  end_with(NGHTTP2_NO_ERROR, "http.idle_timeout",
           "no request for too long (limit http.idle_timeout)");
}

void Http2Server::end_with(uint32_t code, std::string_view limit, std::string_view why) {
  if (ended_) return;
  ended_ = true;
  count_limit(limit);
  say_goodbye(code, why);
  stream().readable().notify();
}

}  // namespace

loop::Task<void> serve_http2(std::unique_ptr<net::ByteStream> stream, Bytes first,
                             const ServerContext& context, Instant accepted) {
  Http2Server server(std::move(stream), context, accepted);
  co_await server.run(std::move(first));
}

}  // namespace parley::http
