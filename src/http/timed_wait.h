#pragma once

#include <coroutine>
#include <optional>

#include "loop/loop.h"

namespace parley::http {

// Waits for a signal, or for one of two, until a time.
//
//   const bool expired = co_await TimedWait(stream.readable(), due);
//
// When both come in the same turn, `expired` may be true although the signal came: look again.
class TimedWait final : private loop::Timer {
 public:
  TimedWait(loop::Signal& signal, Instant due) : loop_(signal.loop()), wait_(signal), due_(due) {}
  TimedWait(loop::Signal& signal, loop::Signal& other, Instant due) : TimedWait(signal, due) {
    other_.emplace(other);
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    wait_.await_suspend(awaiting);
    if (other_) other_->await_suspend(awaiting);
    if (due_ != kNever) loop_.add_timer(*this, due_);
  }
  bool await_resume() const noexcept { return expired_; }

 private:
  void fire() override {
    expired_ = true;
    wait_.unlink();
    loop_.make_ready(wait_);
  }

  loop::Loop& loop_;
  loop::Signal::Wait wait_;
  std::optional<loop::Signal::Wait> other_;
  Instant due_;
  bool expired_ = false;
};

}  // namespace parley::http
