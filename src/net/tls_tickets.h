#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::net {

// The keys that seal session tickets (RFC 5077, 4): the first seals, all of them open. A value that
// every shard gets, so that a session resumes on any of them. Tickets live as long as two changes
// of the key take, and a key that is gone cannot be had back: what was recorded stays secret.
class TicketKeys {
 public:
  struct Key {
    std::array<uint8_t, 16> name;  // in the ticket, in clear: which key it is
    std::array<uint8_t, 32> cipher;
    std::array<uint8_t, 32> mac;
  };

  static TicketKeys fresh();   // one key
  TicketKeys rotated() const;  // a new one first, the oldest dropped
  const Key& newest() const { return keys_.front(); }
  const Key* find(const uint8_t* name) const;  // nullptr: of no key that we have

  // All of them, for another process of this user, and back; nullopt: these bytes are none.
  std::string bytes() const;
  static std::optional<TicketKeys> from_bytes(std::string_view bytes);

  static constexpr size_t kKept = 3;
  static constexpr size_t kBytesMax = kKept * sizeof(Key);

 private:
  std::vector<Key> keys_;
};

// Those of a listener, by its address as the settings have it.
struct ListenerTickets {
  std::string address;
  TicketKeys keys;
};

}  // namespace parley::net
