#pragma once

#include <coroutine>
#include <cstddef>

#include "loop/loop.h"
#include "loop/task.h"

namespace parley::loop {

// Owns tasks that nobody awaits: a connection's streams, a listener's connections. Destroying the
// set cancels what still runs in it.
//
//   (spawn | cancel)* → destroyed;   a task leaves the set by itself when it is done
//
// The set is destroyed from outside of its tasks; one of them that wants this says so to the set's
// owner through Loop::destroy_later.
class TaskSet {
 public:
  explicit TaskSet(Loop& loop) : loop_(loop), emptied_(loop) {}
  TaskSet(const TaskSet&) = delete;
  TaskSet& operator=(const TaskSet&) = delete;
  ~TaskSet() { cancel_all(); }

  // Names one task in the set, until the task is done.
  using Id = std::coroutine_handle<detail::Promise<void>>;

  // The task takes its first step later in this turn: so a library's callback may spawn.
  Id spawn(Task<void> task);

  // Destroys one task of the set now. REQUIRES: it is not done, and not running.
  void cancel(Id id);
  void cancel_all();

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Resumes when a task has left an emptied set: `while (!set.empty()) co_await set.emptied();`
  auto emptied() { return emptied_.wait(); }

 private:
  friend class detail::PromiseCore;
  void finished();

  Loop& loop_;
  List<detail::PromiseCore> tasks_;
  size_t size_ = 0;
  Signal emptied_;
};

}  // namespace parley::loop
