#pragma once

#include <optional>
#include <string_view>

#include "edge/settings.h"
#include "http/exchange.h"
#include "net/address.h"

namespace parley::edge {

// Finds whom a request is from when proxies stand between. They append to `x-forwarded-for` (or
// `Forwarded`, RFC 7239) whom they got a request from; the peer itself is the last of the chain.
//
// By addresses: from the peer backwards, as long as one is trusted, the one before it counts. By
// number: the peer is the first of that many hops. What cannot be read ends the search: the last
// good address counts, for what lies before it could be anybody's invention.
class ClientAddress final : public http::ExchangeService {
 public:
  // Both are borrowed for the layer's life.
  ClientAddress(http::ExchangeService& next, const ForwardedSettings& settings)
      : next_(next), settings_(settings) {}

  loop::Task<void> serve(http::Exchange& exchange) override;
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override;

 private:
  void find_client(http::Exchange& exchange) const;

  http::ExchangeService& next_;
  const ForwardedSettings& settings_;
};

struct ForwardedClient {
  std::optional<net::Address> address;  // nullopt: it is the peer
  std::optional<bool> secure;           // whether it came over TLS; nullopt: nobody says
};

// The client by these rules. What the hop that got its request says of the scheme, by
// `x-forwarded-proto` or the parameter `proto`, counts with it.
ForwardedClient client_of(const Fields& request, const net::Address& peer,
                          const ForwardedSettings& settings);

}  // namespace parley::edge
