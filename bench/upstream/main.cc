// A gRPC upstream that is never the bottleneck: canned frames, one thread, nghttp2 over epoll.
// usage: bench_upstream PORT USER_MESSAGE_FILE LIST_MESSAGE_FILE      (on 127.0.0.1)

#include <array>
#include <cstdio>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "upstream.h"

namespace parley::bench {
namespace {

constexpr int kBacklog = 4096;

// -1: the port cannot be had; errno says why.
int listen_on_loopback(uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (bind(listener, generic, sizeof address) != 0 || listen(listener, kBacklog) != 0) return -1;
  return listener;
}

class Server {
 public:
  Server(int listener, const CannedAnswers& answers)
      : listener_(listener), answers_(answers), poll_(epoll_create1(EPOLL_CLOEXEC)) {
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        auto* connection = static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr);
        if (connection == nullptr) {
          accept_all();
        } else {
          advance(*connection, events[static_cast<size_t>(i)].events);
        }
      }
    }
  }

 private:
  void accept_all() {
    for (int socket = 0; (socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      const int on = 1;
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto* connection = new Connection(socket, answers_, callbacks_.get());
      watch(EPOLL_CTL_ADD, socket, EPOLLIN, connection);
      if (!connection->on_writable()) delete connection;
    }
  }

  // The connection may be gone afterwards.
  void advance(Connection& connection, uint32_t events) {
    const bool was_writing = connection.wants_to_write();
    bool alive = true;
    if ((events & EPOLLOUT) != 0) alive = connection.on_writable();
    if (alive && (events & ~EPOLLOUT) != 0) alive = connection.on_readable();
    if (!alive) {
      delete &connection;
    } else if (connection.wants_to_write() != was_writing) {
      const uint32_t out = was_writing ? 0U : static_cast<uint32_t>(EPOLLOUT);
      watch(EPOLL_CTL_MOD, connection.socket(), EPOLLIN | out, &connection);
    }
  }

  void watch(int operation, int socket, uint32_t events, Connection* connection) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = connection;
    epoll_ctl(poll_, operation, socket, &event);
  }

  const int listener_;
  const CannedAnswers& answers_;
  const int poll_;
  const Callbacks callbacks_ = make_callbacks();
};

}  // namespace
}  // namespace parley::bench

int main(int argc, char** argv) {
  using parley::bench::CannedAnswers;
  if (argc != 4) {
    std::fputs("usage: bench_upstream PORT USER_MESSAGE_FILE LIST_MESSAGE_FILE\n", stderr);
    return 2;
  }
  const CannedAnswers answers{CannedAnswers::frame_of_file(argv[2]),
                              CannedAnswers::frame_of_file(argv[3])};
  const int listener = parley::bench::listen_on_loopback(static_cast<uint16_t>(std::atoi(argv[1])));
  if (listener < 0) {
    std::perror("bench_upstream: cannot listen");
    return 1;
  }
  parley::bench::Server(listener, answers).run();
}
