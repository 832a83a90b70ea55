#include "http/http1_connection.h"

#include <algorithm>
#include <utility>

#include "http/http1_exchange.h"
#include "http/timed_wait.h"

namespace parley::http {
namespace {

// Runs a task, and comes back to who awaits also when a signal is notified: true once the task is
// done. The first time it comes back later in the turn anyway: what the signal told before may wait
// to be seen. Awaited again until the end, with no other wait in between.
class Attend {
 public:
  Attend(loop::Task<void>& task, bool& started, loop::Signal& signal)
      : task_(task), started_(started), signal_(signal), wait_(signal) {}
  bool await_ready() const noexcept { return task_.done(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
    if (std::exchange(started_, true)) {
      wait_.await_suspend(awaiting);
      return std::noop_coroutine();
    }
    wait_.handle = awaiting;
    signal_.loop().make_ready(wait_);
    return task_.begin(awaiting);
  }
  bool await_resume() const noexcept { return task_.done(); }

 private:
  loop::Task<void>& task_;
  bool& started_;
  loop::Signal& signal_;
  loop::Signal::Wait wait_;
};

// Before the task of an exchange goes: what has no end by then is cut off.
class Ending {
 public:
  explicit Ending(Http1Exchange& exchange) : exchange_(exchange) {}
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;
  ~Ending() {
    if (!exchange_.finished()) exchange_.record().reset = true;
  }

 private:
  Http1Exchange& exchange_;
};

// `more` behind `bytes`. A small rest does not keep a large block alive.
Bytes joined(const Bytes& bytes, const Bytes& more) {
  ByteBuffer both(bytes.size() + more.size());
  both.append(bytes.view());
  both.append(more.view());
  return both.take();
}
Bytes compact(Bytes bytes) {
  return bytes.size() * 4 < bytes.retained() ? Bytes::copy(bytes.view()) : bytes;
}

}  // namespace

Http1Connection::Http1Connection(std::unique_ptr<net::ByteStream> stream, Bytes first,
                                 const ServerContext& context)
    : context_(context),
      stream_(std::move(stream)),
      input_(std::move(first)),
      idle_since_(context.loop.now()) {}

Http1Connection::~Http1Connection() = default;

loop::Task<void> Http1Connection::run() {
  do {
    if (!parse_head() && !co_await receive_head()) break;
    if (!co_await serve()) co_return;
  } while (co_await make_reusable());
  co_await linger();
}

Http1Connection::Pulled Http1Connection::pull() {
  if (peer_ended_ || broken_) return Pulled::Ended;
  Result<std::optional<Bytes>> chunk = stream_->try_read();
  if (!chunk) {
    broken_ = true;
    return Pulled::Ended;
  }
  if (!*chunk) return Pulled::Nothing;
  if ((*chunk)->empty()) {
    peer_ended_ = true;
    return Pulled::Ended;
  }
  input_ = input_.empty() ? **std::move(chunk) : joined(input_, **chunk);
  return Pulled::Bytes;
}

void Http1Connection::lose() {
  lost_ = true;
  stream_->readable().notify();
}

void Http1Connection::watch_again() {
  if (!watching_) stream_->readable().notify();
}

// True: there is an exchange to serve, or to refuse.
bool Http1Connection::parse_head() {
  if (input_.empty()) return false;
  if (!exchange_) exchange_ = std::make_unique<Http1Exchange>(*this);
  Result<bool> whole = exchange_->parse_head(input_);
  if (input_.empty()) input_ = {};
  if (!whole) {
    refuse(std::move(whole.error()));
    return true;
  }
  const Http1Parser& parser = exchange_->parser();
  if (!*whole) {
    if (!parser.begun()) exchange_.reset();
    return false;
  }
  if (parser.head().expects_other) {
    refuse(Failure(Reason::ExpectationFailed, "only 100-continue can be expected"));
    refused_ = parser.head().has_body();  // the client may send it, or not
  }
  return true;
}

void Http1Connection::refuse(Failure failure) {
  refusal_ = std::move(failure);
  refused_ = true;
}

// Waits for the head of a request; false: none will come.
loop::Task<bool> Http1Connection::receive_head() {
  for (;;) {
    const Pulled pulled = pull();
    if (pulled == Pulled::Bytes) {
      if (parse_head()) co_return true;
      continue;
    }
    if (pulled == Pulled::Ended) co_return false;
    if (context_.drain.draining()) draining_since_ = std::min(draining_since_, context_.loop.now());
    if (context_.loop.now() >= head_deadline()) {
      if (!exchange_) {
        count_idle();
        co_return false;
      }
      refuse(Failure(Reason::BodyTimeout, "the header did not arrive in time")
                 .from(Origin::Client)
                 .with_limit("http.header_timeout")
                 .take());
      co_return true;
    }
    co_await TimedWait(stream_->readable(), context_.drain.started(), head_deadline());
  }
}

Instant Http1Connection::head_deadline() const {
  const Settings& settings = context_.settings;
  if (exchange_) return deadline_after(exchange_->record().started, settings.header_timeout);
  if (draining_since_ == kNever) return idle_deadline();
  return std::min(idle_deadline(), deadline_after(std::max(idle_since_, draining_since_),
                                                  context_.drain.idle_timeout()));
}

Instant Http1Connection::idle_deadline() const {
  const Settings& settings = context_.settings;
  return deadline_after(idle_since_,
                        requests_ == 0 ? settings.header_timeout : settings.keep_alive_timeout);
}

// A connection without a request ends in silence. Where a drain ends it, that is no limit.
void Http1Connection::count_idle() const {
  if (context_.loop.now() < idle_deadline()) return;
  context_.count_limit(requests_ == 0 ? "http.header_timeout" : "http.keep_alive_timeout");
}

// False: the client has gone, and the task with it.
loop::Task<bool> Http1Connection::serve() {
  ++requests_;
  loop::Task<void> task =
      refusal_ ? context_.service.refuse(*exchange_, *std::exchange(refusal_, std::nullopt))
               : context_.service.serve(*exchange_);
  {
    const Ending ending(*exchange_);
    bool started = false;
    while (!co_await Attend(task, started, stream_->readable())) {
      if (gone()) co_return false;
    }
  }
  co_return true;
}

// Reads on, to see it, as long as nobody else does and little waits.
bool Http1Connection::gone() {
  watching_ = false;
  while (!watching_ && !exchange_->reading() && input_.size() < kReadAheadBytesMax) {
    watching_ = pull() != Pulled::Bytes;
  }
  input_ = compact(std::move(input_));
  if (exchange_->finished()) return false;
  return lost_ || broken_ || stream_->broken() ||
         (peer_ended_ && context_.settings.half_close_is_gone);
}

// After an exchange: false when the connection is not to be used again.
loop::Task<bool> Http1Connection::make_reusable() {
  if (!end_answer() || !co_await make_room()) co_return false;
  if (!exchange_->parser().body().ended() && !co_await drop_body()) co_return false;
  exchange_.reset();
  idle_since_ = context_.loop.now();
  if (!input_.empty() && ++pipelined_ % kPipelinedPerTurn == 0) {
    co_await loop::Yield(context_.loop);
  }
  co_return true;
}

// Whether the answer was whole and lets the connection go on.
bool Http1Connection::end_answer() {
  if (!exchange_->finished()) exchange_->reset(Code::Internal);  // its service forgot it
  if (exchange_->cut_off()) {
    broken_ = true;
    stream_->abort();
  }
  if (had_all_requests() && exchange_->parser().head().keep_alive && !refused_ && !broken_)
    context_.count_limit("http.requests_per_connection_max");
  return !refused_ && !broken_ && exchange_->reusable();
}

// Reads and drops what the service left of the body; false when that is too much, or comes too
// slowly.
loop::Task<bool> Http1Connection::drop_body() {
  const Instant due = deadline_after(context_.loop.now(), kDrainTime);
  size_t dropped = 0;
  for (;;) {
    const Result<std::optional<Bytes>> part = exchange_->parser().parse_body(input_);
    if (input_.empty()) input_ = {};
    if (!part) co_return false;
    if (*part && (*part)->empty()) co_return true;
    if (*part) {
      dropped += (*part)->size();
      if (dropped > kDrainBytesMax) co_return false;
      continue;
    }
    const Pulled pulled = pull();
    if (pulled == Pulled::Ended) co_return false;
    if (pulled == Pulled::Bytes) continue;
    if (context_.loop.now() >= due) co_return false;
    co_await TimedWait(stream_->readable(), due);
  }
}

// Waits until the client has taken most of its answers, so that one that sends requests and reads
// nothing is held back.
loop::Task<bool> Http1Connection::make_room() {
  Pace taking = answer_pace(context_.settings);
  while (full()) {
    if (co_await wait_for_room(taking)) context_.count_limit("http.write_timeout");
  }
  broken_ = broken_ || stream_->broken();
  co_return !broken_;
}

bool Http1Connection::full() const {
  const size_t mark =
      std::max<size_t>(context_.settings.write_buffer_bytes, net::ByteStream::kLowWater);
  return !stream_->broken() && stream_->unsent() >= mark;
}

loop::Task<bool> Http1Connection::wait_for_room(Pace& taking) {
  const size_t before = stream_->unsent();
  co_await TimedWait(stream_->writable(), taking.wait(context_.loop.now()));
  const Instant now = context_.loop.now();
  taking.moved(now, before - std::min(before, stream_->unsent()));
  if (!full() || now < taking.wait(now)) co_return false;
  stream_->abort();
  co_return true;
}

// RFC 9112, 9.6: ends our side, then reads on until the client ends its own, for closing with bytes
// unread would reset the connection and might destroy the answer on its way.
loop::Task<void> Http1Connection::linger() {
  if (broken_ || stream_->broken()) co_return;
  input_ = {};
  stream_->shutdown();
  size_t dropped = 0;
  size_t unsent = SIZE_MAX;
  Pace taking = answer_pace(context_.settings);
  Instant ends = kNever;
  for (;;) {
    const Pulled pulled = pull();
    dropped += std::exchange(input_, {}).size();
    if (broken_ || stream_->broken()) co_return;
    if (pulled == Pulled::Ended && stream_->unsent() == 0) co_return;
    if (dropped > kLingerBytesMax) break;
    if (pulled == Pulled::Bytes) continue;
    const Instant now = context_.loop.now();
    if (stream_->unsent() < unsent) {
      taking.moved(now, unsent - stream_->unsent());
      unsent = stream_->unsent();
    }
    if (unsent == 0 && ends == kNever) ends = deadline_after(now, kLingerTime);
    const Instant due = unsent > 0 ? taking.wait(now) : ends;
    if (now >= due && unsent > 0) context_.count_limit("http.write_timeout");
    if (now >= due) break;
    co_await TimedWait(stream_->readable(), stream_->writable(), due);
  }
  stream_->abort();
}

loop::Task<void> serve_http1(std::unique_ptr<net::ByteStream> stream, Bytes first,
                             const ServerContext& context) {
  Http1Connection connection(std::move(stream), std::move(first), context);
  co_await connection.run();
}

}  // namespace parley::http
