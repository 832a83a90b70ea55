#pragma once

#include "edge/settings.h"
#include "http/exchange.h"

namespace parley::edge {

// Tells clients to come by HTTPS only from now on: `strict-transport-security` on every answer over
// TLS, refusals too. Without TLS it is not said, for nobody would believe it (RFC 6797, 7.2). And,
// over either, to take answers for nothing but what they say they are: `x-content-type-options:
// nosniff`.
class Hsts final : public http::ExchangeService {
 public:
  // `next` is borrowed for the layer's life.
  Hsts(http::ExchangeService& next, const HstsSettings& settings);

  loop::Task<void> serve(http::Exchange& exchange) override;
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override;

 private:
  const Fields& fields_for(const http::Exchange& exchange) const;

  http::ExchangeService& next_;
  Fields over_tls_;
  Fields in_clear_;
};

}  // namespace parley::edge
