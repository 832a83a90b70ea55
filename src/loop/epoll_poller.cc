#include <array>
#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop/loop.h"

namespace parley::loop {
namespace {

class EpollPoller final : public Poller {
 public:
  EpollPoller()
      : epoll_(epoll_create1(EPOLL_CLOEXEC)), wakeup_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    PARLEY_ASSERT(epoll_ >= 0 && wakeup_ >= 0);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = nullptr;
    PARLEY_ASSERT(epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event) == 0);
  }
  ~EpollPoller() override {
    close(epoll_);
    close(wakeup_);
  }

  void add(int descriptor, Watcher& watcher) override {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &watcher;
    PARLEY_ASSERT(epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0);
  }

  void remove(int descriptor, Watcher& watcher) override {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
    // Events of this poll that were not told yet must not reach a watcher that is gone.
    for (int i = next_; i < count_; ++i) {
      if (events_[static_cast<size_t>(i)].data.ptr == &watcher)
        events_[static_cast<size_t>(i)].events = 0;
    }
  }

  void poll(Clock& clock, Instant until) override {
    count_ =
        epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout(clock, until));
    if (count_ < 0) {
      PARLEY_ASSERT(errno == EINTR);
      count_ = 0;
    }
    for (next_ = 0; next_ < count_;) {
      const epoll_event event = events_[static_cast<size_t>(next_++)];
      if (event.data.ptr == nullptr) {
        uint64_t drained;
        (void)!read(wakeup_, &drained, sizeof drained);
      } else if (event.events != 0) {
        tell(*static_cast<Watcher*>(event.data.ptr), event.events);
      }
    }
    next_ = count_ = 0;
  }

  void wake() override {
    const uint64_t one = 1;
    (void)!write(wakeup_, &one, sizeof one);
  }

 private:
  static void tell(Watcher& watcher, uint32_t events) {
    const bool dead = (events & (EPOLLERR | EPOLLHUP)) != 0;
    if (dead || (events & EPOLLRDHUP) != 0) watcher.hung_up(dead);
    watcher.ready((events & ~uint32_t{EPOLLOUT}) != 0, dead || (events & EPOLLOUT) != 0);
  }

  static int timeout(Clock& clock, Instant until) {
    if (until == kNever) return -1;
    if (until == Instant::min()) return 0;
    const Duration left = until - clock.now();
    if (left <= Duration::zero()) return 0;
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return milliseconds > 1'000'000'000 ? 1'000'000'000 : static_cast<int>(milliseconds);
  }

  const int epoll_;
  const int wakeup_;
  std::array<epoll_event, 256> events_;
  int next_ = 0;  // the events [next_, count_) of the running poll have not been told yet
  int count_ = 0;
};

}  // namespace

std::unique_ptr<Poller> make_epoll_poller() { return std::make_unique<EpollPoller>(); }

}  // namespace parley::loop
