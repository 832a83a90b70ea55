#include "gateway/listener_sockets.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include <fcntl.h>
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
  for (const GivenSocket& given : given_) addresses.push_back(given.socket.address.text());
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
}

std::vector<GivenSocket> sockets_of_environment() {
  std::vector<GivenSocket> given;
  const auto pid = number_of("LISTEN_PID");
  const auto count = number_of("LISTEN_FDS");
  if (!pid || !count || *pid != getpid() || *count > kPassedMax) return given;
  for (int descriptor = kFirstPassed; descriptor < kFirstPassed + *count; ++descriptor) {
    const int flags = fcntl(descriptor, F_GETFD);
    if (flags < 0) continue;
    fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC);
    GivenSocket socket;
    socket.socket.descriptor = net::Descriptor(descriptor);
    socket.socket.address = net::bound_address(descriptor);
    given.push_back(std::move(socket));
  }
  return given;
}

}  // namespace parley::gateway
