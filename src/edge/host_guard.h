#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "edge/settings.h"
#include "http/exchange.h"
#include "net/address.h"

namespace parley::edge {

// Answers only to hosts that a listener is known by: a web page that points a name of its own at
// this address (DNS rebinding) gets 403 HostForbidden. Loopback names and addresses, the
// listener's own address and the configured names pass; where the listener is bound to every
// address, every literal address passes, for it is names that can be rebound.
class HostGuard final : public http::ExchangeService {
 public:
  // `next` is borrowed for the layer's life.
  HostGuard(http::ExchangeService& next, const net::Address& listener,
            const HostSettings& settings);

  loop::Task<void> serve(http::Exchange& exchange) override;
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override;

  // Whether `authority` ("host", "host:port", "[::1]:port") is one of ours.
  bool allows(std::string_view authority) const;

 private:
  bool allows_address(const net::Address& host) const;

  http::ExchangeService& next_;
  const net::Address listener_;
  const bool every_address_;
  std::vector<std::string> names_;  // lower case
};

}  // namespace parley::edge
