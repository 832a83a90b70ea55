#include "net/address_range.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <netinet/in.h>

namespace parley::net {
namespace {

using Octets = std::array<uint8_t, 16>;

// The address in network order, from the first octet on.
Octets octets_of(const Address& address) {
  Octets octets{};
  if (address.family() == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address.get(), sizeof in);
    std::memcpy(octets.data(), &in.sin_addr, sizeof in.sin_addr);
  } else if (address.family() == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, address.get(), sizeof in);
    std::memcpy(octets.data(), &in.sin6_addr, sizeof in.sin6_addr);
  }
  return octets;
}

// The first `bits` of an address; the rest is 0.
Octets prefix_of(Octets octets, unsigned bits) {
  for (size_t i = 0; i < octets.size(); ++i) {
    const unsigned kept = std::min(8u, bits - std::min(bits, static_cast<unsigned>(i) * 8));
    octets[i] = static_cast<uint8_t>(octets[i] & (0xff00u >> kept));
  }
  return octets;
}

std::optional<unsigned> read_bits(std::string_view text, unsigned most) {
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size() || bits > most) return std::nullopt;
  return bits;
}

}  // namespace

Result<AddressRange> AddressRange::parse(std::string_view text) {
  AddressRange range;
  range.text_ = text;
  if (text == "unix") {
    range.family_ = AF_UNIX;
    return range;
  }
  const size_t slash = text.find('/');
  const auto address = Address::from_literal(text.substr(0, slash), 0);
  if (!address) return Failure(Code::InvalidArgument, fmt::format("`{}` is no address", text));
  range.family_ = address->family();
  const unsigned most = range.family_ == AF_INET ? 32 : 128;
  const auto bits =
      slash == std::string_view::npos ? most : read_bits(text.substr(slash + 1), most);
  if (!bits)
    return Failure(Code::InvalidArgument,
                   fmt::format("`{}`: the prefix is no number up to {}", text, most));
  range.bits_ = *bits;
  range.start_ = octets_of(*address);
  if (prefix_of(range.start_, *bits) != range.start_)
    return Failure(Code::InvalidArgument,
                   fmt::format("`{}` has bits behind its prefix of {}", text, *bits));
  return range;
}

bool AddressRange::contains(const Address& address) const {
  if (family_ == 0 || address.family() != family_) return false;
  return prefix_of(octets_of(address), bits_) == start_;
}

}  // namespace parley::net
