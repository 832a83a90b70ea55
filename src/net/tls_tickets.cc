#include "net/tls_tickets.h"

#include <algorithm>
#include <cstring>

#include <openssl/rand.h>

#include "base/assert.h"

namespace parley::net {
namespace {

template <size_t kSize>
void fill(std::array<uint8_t, kSize>& secret) {
  PARLEY_ASSERT(RAND_bytes(secret.data(), static_cast<int>(kSize)) == 1);
}

TicketKeys::Key random_key() {
  TicketKeys::Key key;
  fill(key.name);
  fill(key.cipher);
  fill(key.mac);
  return key;
}

}  // namespace

TicketKeys TicketKeys::fresh() {
  TicketKeys keys;
  keys.keys_.push_back(random_key());
  return keys;
}

TicketKeys TicketKeys::rotated() const {
  TicketKeys keys = fresh();
  const size_t kept = std::min(keys_.size(), kKept - 1);
  keys.keys_.insert(keys.keys_.end(), keys_.begin(), keys_.begin() + static_cast<ptrdiff_t>(kept));
  return keys;
}

std::string TicketKeys::bytes() const {
  return {reinterpret_cast<const char*>(keys_.data()), keys_.size() * sizeof(Key)};
}

std::optional<TicketKeys> TicketKeys::from_bytes(std::string_view bytes) {
  static_assert(sizeof(Key) == sizeof Key::name + sizeof Key::cipher + sizeof Key::mac);
  if (bytes.empty() || bytes.size() > kBytesMax || bytes.size() % sizeof(Key) != 0)
    return std::nullopt;
  TicketKeys keys;
  keys.keys_.resize(bytes.size() / sizeof(Key));
  std::memcpy(keys.keys_.data(), bytes.data(), bytes.size());
  return keys;
}

const TicketKeys::Key* TicketKeys::find(const uint8_t* name) const {
  const auto found = std::ranges::find_if(
      keys_, [&](const Key& key) { return std::equal(key.name.begin(), key.name.end(), name); });
  return found == keys_.end() ? nullptr : &*found;
}

}  // namespace parley::net
