#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/address.h"

namespace parley::net {

// A block of addresses in CIDR notation (RFC 4632), or every Unix socket.
class AddressRange {
 public:
  AddressRange() = default;  // of nothing

  // "10.0.0.0/8", "2001:db8::/32", "127.0.0.1" for the one address, "unix". Bits behind the prefix
  // are refused: they are a mistake.
  static Result<AddressRange> parse(std::string_view text);

  bool contains(const Address& address) const;
  const std::string& text() const { return text_; }  // as it was parsed
  friend bool operator==(const AddressRange&, const AddressRange&) = default;

 private:
  int family_ = 0;
  unsigned bits_ = 0;
  std::array<uint8_t, 16> start_{};
  std::string text_;
};

}  // namespace parley::net
