#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "base/pool.h"
#include "loop/link.h"

namespace parley::loop {

class TaskSet;

// A coroutine that waits for something. Linked either where it waits or in the loop's ready queue;
// its destruction takes it out of both.
class Waiter : public Link {
 public:
  std::coroutine_handle<> handle;
};

namespace detail {

class PromiseCore : public Link {  // linked: in the TaskSet that owns the task
 public:
  PARLEY_POOLED

  std::suspend_always initial_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { std::terminate(); }  // no exception crosses a coroutine

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) noexcept {
      PromiseCore& promise = done.promise();
      if (promise.continuation) return promise.continuation;
      if (promise.owner) return finish_owned(promise, done);
      return std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }

  std::coroutine_handle<> continuation;
  TaskSet* owner = nullptr;

 private:
  static std::coroutine_handle<> finish_owned(PromiseCore& promise,
                                              std::coroutine_handle<> done) noexcept;
};

template <typename T>
class Promise final : public PromiseCore {
 public:
  auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  template <typename U = T>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() { return *std::move(value_); }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> final : public PromiseCore {
 public:
  Waiter starting;  // in the loop's ready queue, between TaskSet::spawn and the first step
  auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  void return_void() {}
  void take() {}
};

}  // namespace detail

// A coroutine that starts when it is awaited and gives one T. Owning the task is owning the work:
// destroying it, at any point where it waits, cancels the work and everything that it awaits.
//
//   created → co_await'ed once, or handed to a TaskSet → done or destroyed
//
// Never destroy the chain that is running: hand that wish to a TaskSet (destroy_later).
template <typename T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() { destroy(); }

  bool valid() const { return static_cast<bool>(handle_); }
  bool done() const { return handle_ && handle_.done(); }

  struct Awaiter {
    Handle handle;
    bool await_ready() const noexcept { return handle.done(); }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
      handle.promise().continuation = awaiting;
      return handle;
    }
    T await_resume() { return handle.promise().take(); }
  };
  // REQUIRES: valid(), awaited once. The task object outlives the wait.
  Awaiter operator co_await() const& noexcept { return {handle_}; }
  Awaiter operator co_await() const&& noexcept { return {handle_}; }

  // For combinators. `finished`: waits for the end, the result stays for `take`. `begin`: the
  // handle to transfer to, so that `continuation` resumes at the end.
  struct Finished {
    Handle handle;
    bool await_ready() const noexcept { return handle.done(); }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
      handle.promise().continuation = awaiting;
      return handle;
    }
    void await_resume() const noexcept {}
  };
  Finished finished() const noexcept { return {handle_}; }
  std::coroutine_handle<> begin(std::coroutine_handle<> continuation) {
    handle_.promise().continuation = continuation;
    return handle_;
  }
  // REQUIRES: done()
  T take() { return handle_.promise().take(); }

 private:
  friend class TaskSet;
  void destroy() {
    if (handle_) handle_.destroy();
    handle_ = nullptr;
  }
  Handle handle_;
};

}  // namespace parley::loop
