#pragma once

#include "door/catalogue.h"
#include "door/metadata.h"
#include "http/exchange.h"
#include "loop/loop.h"

namespace parley::door {

// Where every exchange enters: picks the door by what the client speaks. One for each shard.
//
//   publish(catalogue) any number of times; serve() and refuse() meanwhile
//
// Before the first publish every request is answered 503.
class Doors final : public http::ExchangeService {
 public:
  explicit Doors(loop::Loop& loop) : loop_(loop) {}

  // New requests see this catalogue; those that run keep theirs.
  void publish(CatalogueRef catalogue) { catalogue_ = std::move(catalogue); }

  loop::Task<void> serve(http::Exchange& exchange) override;
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override;

  const Counts& counts() const { return counts_; }

 private:
  // Names the exchange and its protocol in its record; whether it speaks gRPC.
  bool greet(http::Exchange& exchange);

  loop::Loop& loop_;
  CatalogueRef catalogue_;
  Counts counts_;
};

}  // namespace parley::door
