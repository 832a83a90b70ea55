#include "gateway/upgrade.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop/combine.h"
#include "net/net_failure.h"

namespace parley::gateway {
namespace {

constexpr std::string_view kHello = "parley-upgrade 1";
constexpr std::string_view kSocket = "socket ";
constexpr std::string_view kFile = "file ";
constexpr std::string_view kTickets = "tickets ";
constexpr std::string_view kEnd = "end ";
constexpr std::string_view kReady = "ready";
constexpr std::string_view kLeaving = "leaving";

constexpr size_t kPacketBytesMax = 512;
constexpr int kBacklog = 16;
// For one packet, while the control thread waits.
constexpr Duration kPacketTime = std::chrono::seconds(2);

Failure broken(std::string_view what, int error) {
  return Failure(Reason::InternalError,
                 fmt::format("upgrade_socket: {}: {}", what, net::error_text(error)));
}

// Sends one packet, with a descriptor unless it is -1.
Result<void> send_packet(int connection, std::string_view text, int descriptor = -1) {
  iovec data{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  if (::sendmsg(connection, &message, MSG_NOSIGNAL) < 0) return broken("cannot be written", errno);
  return {};
}

struct Packet {
  std::string text;  // empty: the other side has gone
  net::Descriptor descriptor;
};

Result<Packet> receive_packet(int connection) {
  std::array<char, kPacketBytesMax> buffer{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec data{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  if (size < 0) return broken("cannot be read", errno);
  Packet packet;
  packet.text.assign(buffer.data(), static_cast<size_t>(size));
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at)) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(at), sizeof descriptor);
    packet.descriptor = net::Descriptor(descriptor);
  }
  return packet;
}

// The process at the other end, which must be of the same user, or root.
Result<pid_t> trusted_peer(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return broken("does not say who is there", errno);
  if (peer.uid != geteuid() && peer.uid != 0) {
    return Failure(Reason::InternalError,
                   fmt::format("upgrade_socket: process {} is of another user", peer.pid));
  }
  return peer.pid;
}

void limit_waits(int connection, Duration limit) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(limit).count();
  const timeval time{micros / 1'000'000, micros % 1'000'000};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

net::Descriptor packet_socket(int flags) {
  return net::Descriptor(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
}

// A descriptor that a coroutine waits for.
class Readable final : private loop::Watcher {
 public:
  Readable(loop::Loop& loop, int descriptor) : loop_(loop), descriptor_(descriptor), signal_(loop) {
    loop_.poller().add(descriptor_, *this);
  }
  ~Readable() { loop_.poller().remove(descriptor_, *this); }
  Readable(const Readable&) = delete;
  Readable& operator=(const Readable&) = delete;

  auto wait() { return signal_.wait(); }

 private:
  void ready(bool, bool) override { signal_.notify(); }

  loop::Loop& loop_;
  const int descriptor_;
  loop::Signal signal_;
};

}  // namespace

Result<std::unique_ptr<Predecessor>> Predecessor::meet(const std::string& path, Duration limit) {
  TRY(address, net::Address::parse("unix:" + path));
  net::Descriptor connection = packet_socket(0);
  if (!connection.valid()) return broken("no socket", errno);
  limit_waits(connection.get(), limit);
  if (::connect(connection.get(), address.get(), address.size()) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return std::unique_ptr<Predecessor>();
    return broken("cannot connect to " + path, errno);
  }
  // Whose pid this is nobody knows: it is that of the process which made the socket.
  if (auto trusted = trusted_peer(connection.get()); !trusted) return std::move(trusted.error());
  std::unique_ptr<Predecessor> met(new Predecessor(std::move(connection)));
  TRY_VOID(send_packet(met->connection_.get(), kHello));
  TRY_VOID(met->receive());
  return met;
}

Result<void> Predecessor::receive() {
  for (;;) {
    TRY(packet, receive_packet(connection_.get()));
    const std::string_view text = packet.text;
    if (text.starts_with(kEnd)) {
      std::from_chars(text.data() + kEnd.size(), text.data() + text.size(), pid_);
      return {};
    }
    if (text.starts_with(kTickets)) {
      take_tickets(text.substr(kTickets.size()));
      continue;
    }
    const bool file = text.starts_with(kFile);
    if ((!file && !text.starts_with(kSocket)) || !packet.descriptor.valid()) {
      return Failure(Reason::InternalError,
                     "upgrade_socket: the process that serves keeps its sockets");
    }
    net::ListeningSocket socket;
    socket.address = net::bound_address(packet.descriptor.get());
    socket.descriptor = std::move(packet.descriptor);
    const std::string_view name = text.substr((file ? kFile : kSocket).size());
    if (name.empty()) {
      upgrade_socket_ = std::move(socket);
    } else {
      sockets_.push_back({std::string(name), std::move(socket), file});
    }
  }
}

// Keys that cannot be read cost clients a full handshake, and nothing else.
void Predecessor::take_tickets(std::string_view packet) {
  const size_t end = packet.find('\0');
  if (end == std::string_view::npos) return;
  if (auto keys = net::TicketKeys::from_bytes(packet.substr(end + 1)))
    tickets_.push_back({std::string(packet.substr(0, end)), *std::move(keys)});
}

bool Predecessor::relieve() {
  if (!send_packet(connection_.get(), kReady)) return false;
  const auto answer = receive_packet(connection_.get());
  return answer && answer->text == kLeaving;
}

Succession::Succession(loop::Loop& loop, net::ListeningSocket socket, Duration limit, Events events)
    : loop_(loop), socket_(std::move(socket)), limit_(limit), events_(std::move(events)) {}

loop::Task<pid_t> Succession::succeeded() {
  Readable waiting(loop_, socket_.descriptor.get());
  for (;;) {
    net::Descriptor connection(::accept4(socket_.descriptor.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) {
      co_await waiting.wait();
      continue;
    }
    limit_waits(connection.get(), kPacketTime);
    auto peer = trusted_peer(connection.get());
    Result<void> done;
    if (peer) {
      done = hand_over(connection.get());
    } else {
      done = std::move(peer.error());
    }
    if (done) {
      events_.say(fmt::format("process {} starts to take over", *peer));
      done = co_await loop::with_deadline(loop_, ready(connection.get()),
                                          deadline_after(loop_.now(), limit_));
    }
    if (done) {
      socket_.file.release();
      (void)send_packet(connection.get(), kLeaving);
      co_return *peer;
    }
    events_.say(fmt::format("{}; this process goes on", done.error().message()));
  }
}

Result<void> Succession::hand_over(int connection) const {
  TRY(hello, receive_packet(connection));
  if (hello.text != kHello)
    return Failure(Reason::InternalError, "upgrade_socket: who connected is no Parley");
  for (const auto& listener : events_.sockets()) {
    for (const net::ListeningSocket& socket : listener->sockets) {
      const std::string_view kind = socket.file.owned() ? kFile : kSocket;
      TRY_VOID(send_packet(connection, fmt::format("{}{}", kind, listener->name),
                           socket.descriptor.get()));
    }
  }
  TRY_VOID(send_packet(connection, kFile, socket_.descriptor.get()));
  for (const net::ListenerTickets& one : events_.tickets()) {
    std::string packet = std::string(kTickets) + one.address;
    packet += '\0';
    packet += one.keys.bytes();
    if (packet.size() <= kPacketBytesMax) TRY_VOID(send_packet(connection, packet));
  }
  return send_packet(connection, fmt::format("{}{}", kEnd, getpid()));
}

loop::Task<Result<void>> Succession::ready(int connection) {
  Readable readable(loop_, connection);
  for (;;) {
    std::array<char, kPacketBytesMax> buffer{};
    const ssize_t size = ::recv(connection, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      co_await readable.wait();
      continue;
    }
    if (size > 0 && std::string_view(buffer.data(), static_cast<size_t>(size)) == kReady)
      co_return {};
    co_return Failure(Reason::InternalError, "the new process ended before it was ready");
  }
}

Result<net::ListeningSocket> open_upgrade_socket(const std::string& path) {
  TRY(address, net::Address::parse("unix:" + path));
  net::Descriptor descriptor = packet_socket(SOCK_NONBLOCK);
  if (!descriptor.valid()) return broken("no socket", errno);
  // The file gets the socket's mode (unix(7)), so that there is no moment in which others may.
  ::fchmod(descriptor.get(), S_IRUSR | S_IWUSR);
  const auto bind = [&] { return ::bind(descriptor.get(), address.get(), address.size()) == 0; };
  if (!bind() && (errno != EADDRINUSE || !net::SocketFile::remove_stale(address) || !bind()))
    return broken("cannot listen at " + path, errno);
  net::SocketFile file(address);
  if (::listen(descriptor.get(), kBacklog) != 0) return broken("cannot listen at " + path, errno);
  return net::ListeningSocket{std::move(descriptor), address, std::move(file)};
}

}  // namespace parley::gateway
