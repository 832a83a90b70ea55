#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "net/address.h"

namespace parley::gateway {

// How many connections each client address has, over all shards. Any thread. Its lock is taken when
// a connection comes and when it ends, never for a request.
class AddressCounts {
 public:
  explicit AddressCounts(uint32_t connections_max) : connections_max_(connections_max) {}

  // From now on. Who is beyond it already stays.
  void set_max(uint32_t connections_max) {
    const std::lock_guard lock(mutex_);
    connections_max_ = connections_max;
  }

  // One connection's place among those of its address, given back when this is destroyed.
  class Place {
   public:
    Place(Place&& other) noexcept
        : counts_(std::exchange(other.counts_, nullptr)), client_(other.client_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (counts_) counts_->give_back(client_);
    }

   private:
    friend class AddressCounts;
    using Client = std::pair<int, uint64_t>;  // family, address or the first half of it
    Place(AddressCounts& counts, Client client) : counts_(&counts), client_(client) {}

    AddressCounts* counts_;
    Client client_;
  };

  // nullopt: the address has as many as it may. A network of IPv6 with 64 bits in common is one
  // client, for that is what one is given. Unix sockets have no address and are not counted.
  std::optional<Place> take(const net::Address& peer);

 private:
  static Place::Client client_of(const net::Address& peer);
  void give_back(Place::Client client);

  std::mutex mutex_;
  uint32_t connections_max_;                  // guarded by mutex_
  std::map<Place::Client, uint32_t> counts_;  // guarded by mutex_; none is 0
};

}  // namespace parley::gateway
