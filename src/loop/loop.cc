#include "loop/loop.h"

namespace parley::loop {
namespace {
// Coroutines resumed before the loop looks at its descriptors again, so that none starves the
// others.
constexpr size_t kResumedPerTurn = 4096;
// Flushers hand to flushers (an HTTP/2 session to TLS, TLS to a socket), and wake who waits for
// room. What takes more rounds than this waits for the next turn.
constexpr int kRoundsPerTurn = 6;
}  // namespace

Loop::Loop(Clock& clock, Poller& poller, uint64_t seed)
    : clock_(clock),
      poller_(poller),
      random_(seed),
      now_(clock.now()),
      timers_(now_),
      read_buffer_(std::make_unique<ReadBuffer>()) {}

Loop::~Loop() { destroy_doomed(); }

void Loop::run() {
  for (;;) {
    {
      const std::lock_guard lock(posted_mutex_);
      if (stopping_) return;
    }
    turn(kNever);
  }
}

void Loop::turn(Instant until) {
  bool pending = !ready_.empty() || !flushers_.empty() || !doomed_.empty();
  {
    const std::lock_guard lock(posted_mutex_);
    pending = pending || !posted_.empty() || stopping_;
  }
  poller_.poll(clock_, pending ? Instant::min() : std::min(until, timers_.next()));
  now_ = clock_.now();
  work();
}

bool Loop::work() {
  timers_.advance(now_);
  run_posted();
  size_t resumed = 0;
  bool flushed = false;
  for (int round = 0; round < kRoundsPerTurn; ++round) {
    while (!ready_.empty() && resumed < kResumedPerTurn) {
      ready_.pop_front().handle.resume();
      ++resumed;
    }
    if (flushers_.empty()) break;
    flushed = true;
    List<Flusher> flushing;
    flushing.take_all(flushers_);
    while (!flushing.empty()) flushing.pop_front().flush();
  }
  // Whoever still has to run may look at what is doomed.
  const bool destroyed = !doomed_.empty() && ready_.empty();
  if (ready_.empty()) destroy_doomed();
  return resumed > 0 || flushed || destroyed;
}

void Loop::run_until_idle() {
  for (;;) {
    poller_.poll(clock_, Instant::min());
    now_ = clock_.now();
    if (!work()) return;
  }
}

void Loop::stop() {
  {
    const std::lock_guard lock(posted_mutex_);
    stopping_ = true;
  }
  poller_.wake();
}

void Loop::post(std::function<void()> function) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(function));
  }
  poller_.wake();
}

void Loop::run_posted() {
  std::vector<std::function<void()>> posted;
  {
    const std::lock_guard lock(posted_mutex_);
    posted.swap(posted_);
  }
  for (auto& function : posted) function();
}

void Loop::destroy_doomed() {
  while (!doomed_.empty()) {
    std::vector<Doomed> doomed;
    doomed.swap(doomed_);
    for (const Doomed& one : doomed) one.destroy(one.object);
  }
}

char* ReadBuffer::space() {
  if (!last_.empty()) fresh_.reclaim(std::move(last_));
  fresh_.clear();
  return fresh_.spare(kCapacity);
}

Bytes ReadBuffer::take(size_t size) {
  fresh_.commit(size);
  last_ = fresh_.take();
  return last_;
}

}  // namespace parley::loop
