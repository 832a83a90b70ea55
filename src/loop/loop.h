#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "loop/link.h"
#include "loop/task.h"
#include "loop/timer.h"

namespace parley::loop {

// What a file descriptor tells its owner. Edge-triggered: the owner reads or writes until it would
// block.
class Watcher {
 public:
  virtual void ready(bool readable, bool writable) = 0;
  // Told before such a `ready`: the peer has ended its side; `entirely`: both sides are at their
  // end, so that writing reaches nobody. What had arrived before can still be read.
  virtual void hung_up(bool entirely) { (void)entirely; }

 protected:
  ~Watcher() = default;
};

// Something that gathers work during a turn and does it once at the turn's end: writing, above all.
class Flusher : public Link {
 public:
  virtual void flush() = 0;

 protected:
  ~Flusher() = default;
};

// Where a loop sleeps. The real one is epoll; a simulation has its own.
class Poller {
 public:
  virtual ~Poller() = default;
  virtual void add(int descriptor, Watcher& watcher) = 0;
  virtual void remove(int descriptor, Watcher& watcher) = 0;
  // Waits for events until `until` (kNever: for ever; the past: not at all) and tells the watchers.
  virtual void poll(Clock& clock, Instant until) = 0;
  // From any thread: ends a running or the next poll.
  virtual void wake() = 0;
};
std::unique_ptr<Poller> make_epoll_poller();

// One shard's event loop. One thread runs it, and all that it resumes belongs to this thread;
// `post` and `stop` alone may be called from others.
//
// A turn: events of the poller, due timers, posted functions, every coroutine that became ready,
// then the flushers, so that many small frames leave in one write; and once more what these woke.
class Loop {
 public:
  Loop(Clock& clock, Poller& poller, uint64_t seed = 1);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  void run();                // until stop()
  void turn(Instant until);  // one turn, sleeping at most until then
  void run_until_idle();     // tests: turns without sleeping, until nothing is ready
  void stop();               // from any thread
  void post(std::function<void()> function);  // from any thread: runs in a later turn

  Instant now() const { return now_; }                   // of this turn
  Instant next_timer() const { return timers_.next(); }  // never later than the first one
  WallTime wall() { return clock_.wall(); }
  Clock& clock() { return clock_; }
  Poller& poller() { return poller_; }
  Random& random() { return random_; }

  void make_ready(Waiter& waiter) { ready_.push_back(waiter); }
  void flush_later(Flusher& flusher) {
    if (!flusher.linked()) flushers_.push_back(flusher);
  }
  void add_timer(Timer& timer, Instant due) { timers_.add(timer, due); }

  // Deletes at the end of this turn, when no coroutine runs: for what decides to die while it runs.
  template <typename T>
  void destroy_later(std::unique_ptr<T> object) {
    doomed_.push_back(Doomed{object.release(), [](void* p) { delete static_cast<T*>(p); }});
  }

  // Memory for one read from outside; see ReadBuffer.
  class ReadBuffer& read_buffer() { return *read_buffer_; }

 private:
  struct Doomed {
    void* object;
    void (*destroy)(void*);
  };
  bool work();  // whether anything was done
  void run_posted();
  void destroy_doomed();

  Clock& clock_;
  Poller& poller_;
  Random random_;
  Instant now_;
  TimerWheel timers_;
  List<Waiter> ready_;
  List<Flusher> flushers_;
  std::vector<Doomed> doomed_;
  std::unique_ptr<class ReadBuffer> read_buffer_;

  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by posted_mutex_
  bool stopping_ = false;                      // guarded by posted_mutex_
};

// The block that a loop reads into. A chunk that nobody kept is used again; one that was kept stays
// with its keeper, and the next read gets a new block. So idle connections own no buffer.
class ReadBuffer {
 public:
  static constexpr size_t kCapacity = 64 * 1024;

  char* space();            // kCapacity writable bytes
  Bytes take(size_t size);  // the first `size` of them, as a chunk

 private:
  ByteBuffer fresh_;
  Bytes last_;
};

// Wakes those who wait for a change; it remembers nothing, so one waits in a loop around the
// condition:
//
//   while (queue.empty()) co_await changed.wait();
class Signal {
 public:
  explicit Signal(Loop& loop) : loop_(loop) {}

  class Wait : public Waiter {
   public:
    explicit Wait(Signal& signal) : signal_(signal) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) noexcept {
      handle = awaiting;
      signal_.waiters_.push_back(*this);
    }
    void await_resume() const noexcept {}

   private:
    Signal& signal_;
  };
  Wait wait() { return Wait(*this); }

  // They resume later in this turn, not inside of this call.
  void notify() {
    while (!waiters_.empty()) loop_.make_ready(waiters_.pop_front());
  }
  bool awaited() const { return !waiters_.empty(); }
  Loop& loop() { return loop_; }

 private:
  Loop& loop_;
  List<Waiter> waiters_;
};

// co_await SleepUntil(loop, instant)
class SleepUntil final : public Waiter {
 public:
  SleepUntil(Loop& loop, Instant due) : alarm_(*this, loop), due_(due) {}
  bool await_ready() const noexcept { return due_ <= alarm_.loop.now(); }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle = awaiting;
    alarm_.loop.add_timer(alarm_, due_);
  }
  void await_resume() const noexcept {}

 private:
  struct Alarm final : Timer {
    Alarm(SleepUntil& sleep, Loop& of) : sleep_(sleep), loop(of) {}
    void fire() override { loop.make_ready(sleep_); }
    SleepUntil& sleep_;
    Loop& loop;
  };
  Alarm alarm_;
  Instant due_;
};

inline SleepUntil sleep_for(Loop& loop, Duration duration) {
  return {loop, deadline_after(loop.now(), duration)};
}

// co_await yield(loop): lets everything else that is ready run first.
class Yield final : public Waiter {
 public:
  explicit Yield(Loop& loop) : loop_(loop) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle = awaiting;
    loop_.make_ready(*this);
  }
  void await_resume() const noexcept {}

 private:
  Loop& loop_;
};

}  // namespace parley::loop
