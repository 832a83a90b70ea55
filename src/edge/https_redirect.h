#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/exchange.h"

namespace parley::edge {

// Sends every request to the same path over HTTPS: 308, so that verb and body stay. `next` is only
// there for what HTTP itself refuses, and for a request without a host.
class HttpsRedirect final : public http::ExchangeService {
 public:
  // `next` is borrowed for the layer's life. `port`: where HTTPS is.
  HttpsRedirect(http::ExchangeService& next, uint16_t port) : next_(next), port_(port) {}

  loop::Task<void> serve(http::Exchange& exchange) override;
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override;

 private:
  http::ExchangeService& next_;
  const uint16_t port_;
};

// Where a request goes; nullopt: it names no host.
std::optional<std::string> https_location(const http::RequestHead& head, uint16_t port);

}  // namespace parley::edge
