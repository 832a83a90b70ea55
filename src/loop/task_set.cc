#include "loop/task_set.h"

namespace parley::loop {

namespace detail {

std::coroutine_handle<> PromiseCore::finish_owned(PromiseCore& promise,
                                                  std::coroutine_handle<> done) noexcept {
  TaskSet& owner = *promise.owner;
  done.destroy();  // it is suspended for good; `promise` is gone
  owner.finished();
  return std::noop_coroutine();
}

}  // namespace detail

TaskSet::Id TaskSet::spawn(Task<void> task) {
  const Id id = std::exchange(task.handle_, nullptr);
  auto& promise = id.promise();
  promise.owner = this;
  tasks_.push_back(promise);
  ++size_;
  promise.starting.handle = id;
  loop_.make_ready(promise.starting);
  return id;
}

void TaskSet::cancel(Id id) {
  id.destroy();
  finished();
}

void TaskSet::cancel_all() {
  while (!tasks_.empty()) {
    auto& promise = static_cast<detail::Promise<void>&>(tasks_.front());
    cancel(Id::from_promise(promise));
  }
}

void TaskSet::finished() {
  if (--size_ == 0) emptied_.notify();
}

}  // namespace parley::loop
