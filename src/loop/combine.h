#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "loop/loop.h"
#include "loop/task.h"

namespace parley::loop {

// Ends the tasks that run under it, all at once and before their deadlines: the calls that are left
// when a drain is over. Outlives them.
class Curfew {
 public:
  // A task that can be ended.
  class Subject : public Link {
   public:
    virtual void end() = 0;

   protected:
    ~Subject() = default;
  };

  // From now on they fail with ShuttingDown, those that begin later too. REQUIRES: none of them is
  // running.
  void fall() {
    fallen_ = true;
    while (!subjects_.empty()) subjects_.pop_front().end();
  }
  bool fallen() const { return fallen_; }
  void add(Subject& subject) { subjects_.push_back(subject); }

 private:
  List<Subject> subjects_;
  bool fallen_ = false;
};

// The task's result, or Failure(DeadlineExpired) when `deadline` comes first, or
// Failure(ShuttingDown) when the curfew falls (nullptr: none will): then the task is destroyed.
//
//   Result<Bytes> chunk = co_await with_deadline(loop, stream.read(), deadline);
template <typename T>
class WithDeadline final : public Waiter {
 public:
  WithDeadline(Loop& loop, Task<Result<T>> task, Instant deadline, Curfew* curfew)
      : task_(std::move(task)),
        alarm_(*this, loop),
        bell_(*this),
        curfew_(curfew),
        deadline_(deadline) {}

  bool await_ready() const noexcept { return curfew_ && curfew_->fallen(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle = awaiting;
    if (deadline_ != kNever) alarm_.loop.add_timer(alarm_, deadline_);
    if (curfew_) curfew_->add(bell_);
    return task_.begin(awaiting);
  }
  Result<T> await_resume() {
    if (expired_) return Failure(Reason::DeadlineExpired, "the deadline has passed");
    if (curfew_ && curfew_->fallen() && !task_.done())
      return Failure(Reason::ShuttingDown, "the gateway shuts down, and the call took too long");
    return task_.take();
  }

 private:
  struct Alarm final : Timer {
    Alarm(WithDeadline& wait, Loop& of) : wait_(wait), loop(of) {}
    void fire() override {
      wait_.expired_ = true;
      wait_.abandon();
    }
    WithDeadline& wait_;
    Loop& loop;
  };
  struct Bell final : Curfew::Subject {
    explicit Bell(WithDeadline& wait) : wait_(wait) {}
    void end() override { wait_.abandon(); }
    WithDeadline& wait_;
  };

  // The task may have become ready in this very turn: its result counts only once it has run.
  void abandon() {
    alarm_.unlink();
    bell_.unlink();
    task_ = {};
    alarm_.loop.make_ready(*this);
  }

  Task<Result<T>> task_;
  Alarm alarm_;
  Bell bell_;
  Curfew* const curfew_;
  Instant deadline_;
  bool expired_ = false;
};
template <typename T>
WithDeadline(Loop&, Task<Result<T>>, Instant, Curfew*) -> WithDeadline<T>;

template <typename T>
WithDeadline<T> with_deadline(Loop& loop, Task<Result<T>> task, Instant deadline,
                              Curfew* curfew = nullptr) {
  return WithDeadline<T>(loop, std::move(task), deadline, curfew);
}

// Runs two tasks at the same time and gives both results when both are done.
//
//   auto [sent, received] = co_await when_all(send(), receive());
template <typename A, typename B>
class WhenAll {
 public:
  WhenAll(Task<A> first, Task<B> second) : first_(std::move(first)), second_(std::move(second)) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    first_side_ = side(first_);
    second_side_ = side(second_);
    pending_ = 3;  // the two, and this function
    first_side_.resume();
    second_side_.resume();
    return --pending_ > 0;
  }
  std::pair<A, B> await_resume() { return {first_.take(), second_.take()}; }

 private:
  // A side awaits its task, then resumes the whole when it was the last.
  class Side {
   public:
    struct promise_type {
      Side get_return_object() {
        return Side(std::coroutine_handle<promise_type>::from_promise(*this));
      }
      std::suspend_always initial_suspend() noexcept { return {}; }
      std::suspend_always final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() noexcept { std::terminate(); }
      PARLEY_POOLED
    };
    Side() = default;
    explicit Side(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
    Side(Side&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Side& operator=(Side&& other) noexcept {
      std::swap(handle_, other.handle_);
      return *this;
    }
    ~Side() {
      if (handle_) handle_.destroy();
    }
    void resume() { handle_.resume(); }

   private:
    std::coroutine_handle<promise_type> handle_;
  };
  struct Arrive {
    WhenAll& all;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept {
      return --all.pending_ == 0 ? all.awaiting_ : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  template <typename T>
  Side side(Task<T>& task) {
    co_await task.finished();
    co_await Arrive{*this};
  }

  Task<A> first_;
  Task<B> second_;
  Side first_side_;
  Side second_side_;
  std::coroutine_handle<> awaiting_;
  int pending_ = 0;
};

template <typename A, typename B>
WhenAll<A, B> when_all(Task<A> first, Task<B> second) {
  return WhenAll<A, B>(std::move(first), std::move(second));
}

}  // namespace parley::loop
