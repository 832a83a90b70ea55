#include "edge/hsts.h"

#include <string>
#include <utility>

#include <fmt/format.h>

namespace parley::edge {

Hsts::Hsts(http::ExchangeService& next, const HstsSettings& settings) : next_(next) {
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(settings.max_age).count();
  over_tls_.add("strict-transport-security",
                fmt::format("max-age={}{}{}", age, settings.subdomains ? "; includeSubDomains" : "",
                            settings.preload ? "; preload" : ""));
  for (Fields* fields : {&over_tls_, &in_clear_}) fields->add("x-content-type-options", "nosniff");
}

const Fields& Hsts::fields_for(const http::Exchange& exchange) const {
  return exchange.secure() ? over_tls_ : in_clear_;
}

loop::Task<void> Hsts::serve(http::Exchange& exchange) {
  exchange.set_answer_fields(&fields_for(exchange));
  return next_.serve(exchange);
}

loop::Task<void> Hsts::refuse(http::Exchange& exchange, Failure failure) {
  exchange.set_answer_fields(&fields_for(exchange));
  return next_.refuse(exchange, std::move(failure));
}

}  // namespace parley::edge
