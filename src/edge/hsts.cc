#include "edge/hsts.h"

#include <string>
#include <utility>

#include <fmt/format.h>

namespace parley::edge {

Hsts::Hsts(http::ExchangeService& next, const HstsSettings& settings) : next_(next) {
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(settings.max_age).count();
  fields_.add("strict-transport-security",
              fmt::format("max-age={}{}{}", age, settings.subdomains ? "; includeSubDomains" : "",
                          settings.preload ? "; preload" : ""));
  fields_.add("x-content-type-options", "nosniff");
}

loop::Task<void> Hsts::serve(http::Exchange& exchange) {
  if (exchange.secure()) exchange.set_answer_fields(&fields_);
  return next_.serve(exchange);
}

loop::Task<void> Hsts::refuse(http::Exchange& exchange, Failure failure) {
  if (exchange.secure()) exchange.set_answer_fields(&fields_);
  return next_.refuse(exchange, std::move(failure));
}

}  // namespace parley::edge
