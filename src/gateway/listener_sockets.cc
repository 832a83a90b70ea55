#include "gateway/listener_sockets.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace parley::gateway {
namespace {

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START
constexpr int kPassedMax = 1024;

std::optional<int> number_of(const char* variable) {
  const char* text = std::getenv(variable);
  if (!text) return std::nullopt;
  const std::string_view view(text);
  int number = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), number);
  if (error != std::errc() || end != view.data() + view.size()) return std::nullopt;
  return number;
}

int option_of(int descriptor, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

std::string_view kind_of_file(mode_t mode) {
  if (S_ISREG(mode)) return "a file";
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  return S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "no socket";
}

// What keeps a gateway from accepting on it; empty: nothing does.
std::string_view flaw_of(int descriptor) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0) return "not open";
  if (!S_ISSOCK(status.st_mode)) return kind_of_file(status.st_mode);
  if (option_of(descriptor, SO_TYPE) != SOCK_STREAM) return "no stream socket";
  if (option_of(descriptor, SO_ACCEPTCONN) != 1) return "a socket that does not listen";
  const int family = option_of(descriptor, SO_DOMAIN);
  if (family == AF_INET || family == AF_INET6 || family == AF_UNIX) return {};
  return "a socket of neither IP nor Unix";
}

Failure unusable(std::string what) {
  return Failure(Reason::InternalError, "LISTEN_FDS: " + std::move(what));
}

}  // namespace

std::vector<int> OpenListener::descriptors_of(size_t index, size_t shards) const {
  std::vector<int> descriptors;
  for (size_t i = index; i < sockets.size(); i += shards)
    descriptors.push_back(sockets[i].descriptor.get());
  if (descriptors.empty()) descriptors.push_back(sockets[index % sockets.size()].descriptor.get());
  return descriptors;
}

void ListenerSockets::take(std::vector<GivenSocket> given) {
  std::ranges::move(given, std::back_inserter(given_));
}

Result<std::shared_ptr<const OpenListener>> ListenerSockets::open(const std::string& name,
                                                                  const std::string& text,
                                                                  size_t count) {
  const auto known = std::ranges::find(listeners_, name, &OpenListener::name);
  if (known != listeners_.end()) return std::shared_ptr<const OpenListener>(*known);
  TRY(address, net::Address::parse(text));
  auto listener = std::make_shared<OpenListener>();
  listener->name = name;
  claim(address, *listener);
  const bool given = !listener->sockets.empty();
  if (given) {
    listener->address = listener->sockets.front().address;
    // Only if all of them let others in; a shard without a socket of its own shares one.
    if (!std::ranges::all_of(listener->sockets, [](const net::ListeningSocket& one) {
          return net::shares_port(one.descriptor.get());
        }))
      count = 1;
  } else {
    // With SO_REUSEPORT alone, a second gateway would silently share the port. A listener of ours
    // may: a reload opens 0.0.0.0 before it closes 127.0.0.1.
    listener->address = address;
    if (!shares_port_of_ours(address)) {
      TRY(chosen, net::find_free_address(address));
      listener->address = chosen;
    }
  }
  if (address.is_unix()) count = 1;  // its path cannot be bound twice
  while (listener->sockets.size() < count) {
    auto socket = net::open_listening_socket(listener->address, {});
    if (!socket && given) break;  // another user's, whose sockets can be shared all the same
    if (!socket) return std::move(socket.error());
    listener->sockets.push_back(*std::move(socket));
  }
  listener->address = listener->sockets.front().address;
  listeners_.push_back(listener);
  return std::shared_ptr<const OpenListener>(std::move(listener));
}

bool ListenerSockets::shares_port_of_ours(const net::Address& address) const {
  if (address.is_unix() || address.port() == 0) return false;
  const auto shares = [&](const net::Address& other) {
    return !other.is_unix() && other.port() == address.port() && other != address;
  };
  return std::ranges::any_of(listeners_, [&](const auto& one) { return shares(one->address); }) ||
         std::ranges::any_of(given_,
                             [&](const GivenSocket& one) { return shares(one.socket.address); });
}

void ListenerSockets::claim(const net::Address& address, OpenListener& listener) {
  for (GivenSocket& given : given_) {
    if (given.name != listener.name && given.socket.address != address) continue;
    listener.sockets.push_back(std::move(given.socket));
    listener.takes_file = listener.takes_file || given.takes_file;
  }
  std::erase_if(given_, [](const GivenSocket& one) { return !one.socket.descriptor.valid(); });
}

void ListenerSockets::keep_only(const std::set<std::string>& names) {
  std::erase_if(listeners_, [&](const auto& one) { return !names.contains(one->name); });
}

std::vector<std::string> ListenerSockets::drop_unclaimed() {
  std::vector<std::string> addresses;
  for (const GivenSocket& given : given_) {
    const std::string address = given.socket.address.text();
    addresses.push_back(address.empty() ? given.name : address);
    if (given.takes_file) unclaimed_files_.push_back(given.socket.address);
  }
  given_.clear();
  return addresses;
}

void ListenerSockets::release_files() {
  for (const auto& listener : listeners_) {
    for (net::ListeningSocket& socket : listener->sockets) socket.file.release();
  }
}

void ListenerSockets::take_files() {
  for (const auto& listener : listeners_) {
    if (!std::exchange(listener->takes_file, false)) continue;
    for (net::ListeningSocket& socket : listener->sockets)
      socket.file = net::SocketFile(socket.address);
  }
  // Nobody serves these any more.
  for (const net::Address& address : std::exchange(unclaimed_files_, {})) {
    const bool served = std::ranges::any_of(
        listeners_, [&](const auto& listener) { return listener->address == address; });
    if (!served) (void)net::SocketFile(address);
  }
}

Result<std::vector<GivenSocket>> sockets_of_environment() {
  std::vector<GivenSocket> given;
  const char* count_text = std::getenv("LISTEN_FDS");
  if (!count_text || number_of("LISTEN_PID") != getpid()) return given;
  const auto count = number_of("LISTEN_FDS");
  if (!count || *count < 0 || *count > kPassedMax)
    return unusable(fmt::format("\"{}\" is no number up to {}", count_text, kPassedMax));
  const int end = kFirstPassed + *count;
  // Before any is taken, which closes it in the end.
  for (int descriptor = kFirstPassed; descriptor < end; ++descriptor) {
    if (const std::string_view flaw = flaw_of(descriptor); !flaw.empty()) {
      return unusable(fmt::format("descriptor {} is {}: a stream socket that listens is wanted",
                                  descriptor, flaw));
    }
  }
  for (int descriptor = kFirstPassed; descriptor < end; ++descriptor) {
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    GivenSocket socket;
    socket.socket.descriptor = net::Descriptor(descriptor);
    socket.socket.address = net::bound_address(descriptor);
    given.push_back(std::move(socket));
  }
  return given;
}

}  // namespace parley::gateway
