#include "gateway/address_counts.h"

#include <cstring>

#include <netinet/in.h>

namespace parley::gateway {

std::optional<AddressCounts::Place> AddressCounts::take(const net::Address& peer) {
  const Place::Client client = client_of(peer);
  const std::lock_guard lock(mutex_);
  uint32_t& count = counts_[client];
  if (count >= connections_max_ && !peer.is_unix()) return std::nullopt;
  ++count;
  return Place(*this, client);
}

void AddressCounts::give_back(Place::Client client) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(client);
  if (--found->second == 0) counts_.erase(found);
}

AddressCounts::Place::Client AddressCounts::client_of(const net::Address& peer) {
  uint64_t client = 0;
  if (peer.family() == AF_INET) {
    client = reinterpret_cast<const sockaddr_in*>(peer.get())->sin_addr.s_addr;
  } else if (peer.family() == AF_INET6) {
    std::memcpy(&client, &reinterpret_cast<const sockaddr_in6*>(peer.get())->sin6_addr,
                sizeof client);
  }
  return {peer.family(), client};
}

}  // namespace parley::gateway
