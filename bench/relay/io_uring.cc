// The same relay over io_uring: one system call submits what is to be received and sent, and waits.

#include <cstdio>

#include "relay.h"

#if __has_include(<liburing.h>)

#include <array>
#include <cstddef>
#include <string_view>

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

namespace parley::bench {
namespace {

constexpr unsigned kEntries = 4096;
constexpr size_t kReadBytes = 16 * 1024;

// One direction of a relayed connection: receive, send what came, receive again.
struct Direction {
  int from = -1;
  int to = -1;
  bool sending = false;
  size_t begin = 0;
  size_t end = 0;
  Direction* other = nullptr;
  std::array<char, kReadBytes> buffer = {};
};

class Ring {
 public:
  explicit Ring(int listener) : listener_(listener) {}

  bool start() {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (io_uring_queue_init_params(kEntries, &ring_, &params) != 0) return false;
    accept();
    return true;
  }

  [[noreturn]] void run(uint16_t upstream) {
    for (;;) {
      io_uring_submit_and_wait(&ring_, 1);
      io_uring_cqe* done = nullptr;
      unsigned head = 0;
      unsigned count = 0;
      io_uring_for_each_cqe(&ring_, head, done) {
        ++count;
        auto* direction = static_cast<Direction*>(io_uring_cqe_get_data(done));
        if (direction == nullptr) {
          relay(done->res, upstream);
        } else {
          advance(*direction, done->res);
        }
      }
      io_uring_cq_advance(&ring_, count);
    }
  }

 private:
  io_uring_sqe* next() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry != nullptr) return entry;
    io_uring_submit(&ring_);
    return io_uring_get_sqe(&ring_);
  }

  void accept() {
    io_uring_sqe* entry = next();
    io_uring_prep_accept(entry, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    io_uring_sqe_set_data(entry, nullptr);
  }

  void relay(int client, uint16_t upstream) {
    accept();
    if (client < 0) return;
    const int server = connect_to_loopback(upstream);
    if (server < 0) {
      close(client);
      return;
    }
    send_at_once(client);
    auto* there = new Direction{.from = client, .to = server};
    auto* back = new Direction{.from = server, .to = client, .other = there};
    there->other = back;
    receive(*there);
    receive(*back);
  }

  void receive(Direction& direction) {
    direction.sending = false;
    io_uring_sqe* entry = next();
    io_uring_prep_recv(entry, direction.from, direction.buffer.data(), kReadBytes, 0);
    io_uring_sqe_set_data(entry, &direction);
  }

  void send(Direction& direction) {
    direction.sending = true;
    io_uring_sqe* entry = next();
    io_uring_prep_send(entry, direction.to, direction.buffer.data() + direction.begin,
                       direction.end - direction.begin, MSG_NOSIGNAL);
    io_uring_sqe_set_data(entry, &direction);
  }

  // The end of either side ends both; directions are never freed, a benchmark's are few.
  void advance(Direction& direction, int result) {
    if (result <= 0) {
      shutdown(direction.from, SHUT_RDWR);
      shutdown(direction.to, SHUT_RDWR);
      return;
    }
    const auto bytes = static_cast<size_t>(result);
    if (!direction.sending) {
      direction.begin = 0;
      direction.end = bytes;
      return send(direction);
    }
    direction.begin += bytes;
    if (direction.begin < direction.end) return send(direction);
    receive(direction);
  }

  const int listener_;
  io_uring ring_{};
};

}  // namespace

int relay_by_io_uring(int listener, uint16_t upstream) {
  Ring ring(listener);
  if (!ring.start()) {
    std::fputs("bench_relay: this kernel has no io_uring\n", stderr);
    return 1;
  }
  ring.run(upstream);
}

}  // namespace parley::bench

#else

namespace parley::bench {

int relay_by_io_uring(int, uint16_t) {
  std::fputs("bench_relay: built without liburing\n", stderr);
  return 1;
}

}  // namespace parley::bench

#endif
