#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/settings.h"

namespace parley::gateway {

// Whether a selector names a full name: "*", "shop.v1.*" (everything below), "shop.v1.Orders" (the
// service's methods), "shop.v1.Orders.Create".
bool selects(std::string_view selector, std::string_view full_name);

// Whether a method may be called, and why.
struct Decision {
  bool exposed = false;
  std::string reason;
};
Decision decide(const Expose& expose, const contract::Method& method, bool beyond_loopback);

// The settings of one method: the defaults, then every matching override from the least to the most
// specific.
door::Settings merge(const door::Settings& defaults, const std::vector<MethodOverride>& overrides,
                     std::string_view full_name);

}  // namespace parley::gateway
