#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay.h"

namespace parley::bench {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kEventsMax = 256;

// A socket, and what waits to leave through it.
struct End {
  int socket = -1;
  End* other = nullptr;  // null: answers are made here
  std::string unsent = {};
  std::string_view matched = {};  // of the empty line that ends a request's header
  bool closed = false;
};

void send_all(End& to, std::string_view bytes) {
  if (to.unsent.empty()) {
    const ssize_t sent = send(to.socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
  }
  to.unsent += bytes;
}

void send_rest(End& to) {
  if (to.unsent.empty()) return;
  const ssize_t sent = send(to.socket, to.unsent.data(), to.unsent.size(), MSG_NOSIGNAL);
  if (sent > 0) to.unsent.erase(0, static_cast<size_t>(sent));
}

class Poll {
 public:
  explicit Poll(int listener) : listener_(listener), poll_(epoll_create1(EPOLL_CLOEXEC)) {
    add(listener_, EPOLLIN, nullptr);
  }

  void add(int socket, uint32_t events, End* end) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = end;
    epoll_ctl(poll_, EPOLL_CTL_ADD, socket, &event);
  }
  void watch(End& end) const {
    fcntl(end.socket, F_SETFL, O_NONBLOCK);
    send_at_once(end.socket);
    add(end.socket, EPOLLIN | EPOLLOUT | EPOLLET, &end);
  }

  // `accepted(socket)` for a new client, `received(end, bytes)` for what came, `ended(end)` once.
  template <typename Accepted, typename Received, typename Ended>
  [[noreturn]] void run(Accepted accepted, Received received, Ended ended) {
    const auto buffer = std::make_unique<std::array<char, kReadBytes>>();
    std::array<epoll_event, kEventsMax> events;
    for (;;) {
      const int count = epoll_wait(poll_, events.data(), kEventsMax, -1);
      for (int i = 0; i < count; ++i) {
        auto* end = static_cast<End*>(events[static_cast<size_t>(i)].data.ptr);
        if (end == nullptr) {
          for (int client = 0; (client = accept4(listener_, nullptr, nullptr, 0)) >= 0;)
            accepted(client);
          continue;
        }
        if (end->closed) continue;
        if (events[static_cast<size_t>(i)].events & EPOLLOUT) send_rest(*end);
        if (!read_all(*end, *buffer, received)) ended(*end);
      }
    }
  }

 private:
  template <typename Received>
  bool read_all(End& from, std::array<char, kReadBytes>& buffer, Received received) const {
    for (;;) {
      const ssize_t got = recv(from.socket, buffer.data(), buffer.size(), 0);
      if (got == 0) return false;
      if (got < 0) return errno == EAGAIN || errno == EINTR;
      received(from, std::string_view(buffer.data(), static_cast<size_t>(got)));
      if (static_cast<size_t>(got) < buffer.size()) return true;
    }
  }

  const int listener_;
  const int poll_;
};

void shut(End& end) {
  end.closed = true;
  close(end.socket);
}

}  // namespace

// Ends are never freed: one benchmark's connections are few, and late events may still name them.
int relay_by_epoll(int listener, uint16_t upstream) {
  Poll poll(listener);
  poll.run(
      [&](int client) {
        const int server = connect_to_loopback(upstream);
        if (server < 0) {
          close(client);
          return;
        }
        auto* near = new End{.socket = client};
        auto* far = new End{.socket = server, .other = near};
        near->other = far;
        poll.watch(*near);
        poll.watch(*far);
      },
      [](End& from, std::string_view bytes) { send_all(*from.other, bytes); },
      [](End& end) {
        if (!end.other->closed) shut(*end.other);
        shut(end);
      });
}

int answer_all(int listener, const std::string& answer) {
  constexpr std::string_view kEmptyLine = "\r\n\r\n";
  Poll poll(listener);
  poll.run(
      [&](int client) {
        auto* end = new End{.socket = client};
        poll.watch(*end);
      },
      [&](End& from, std::string_view bytes) {
        std::string answers;
        size_t seen = from.matched.size();
        for (const char c : bytes) {
          seen = c == kEmptyLine[seen] ? seen + 1 : (c == '\r' ? 1 : 0);
          if (seen < kEmptyLine.size()) continue;
          answers += answer;
          seen = 0;
        }
        from.matched = kEmptyLine.substr(0, seen);
        if (!answers.empty()) send_all(from, answers);
      },
      [](End& end) { shut(end); });
}

}  // namespace parley::bench
