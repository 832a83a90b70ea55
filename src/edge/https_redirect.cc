#include "edge/https_redirect.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace parley::edge {
namespace {

constexpr uint16_t kHttpsPort = 443;

// uri-host of an authority, brackets included.
std::string_view host_in(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

}  // namespace

std::optional<std::string> https_location(const http::RequestHead& head, uint16_t port) {
  const std::string_view host = host_in(head.authority());
  if (host.empty()) return std::nullopt;
  const std::string_view target = head.target().starts_with('/') ? head.target() : "/";
  if (port == kHttpsPort) return fmt::format("https://{}{}", host, target);
  return fmt::format("https://{}:{}{}", host, port, target);
}

loop::Task<void> HttpsRedirect::serve(http::Exchange& exchange) {
  const auto location = https_location(exchange.request(), port_);
  if (!location)
    co_return co_await next_.refuse(exchange, Failure(Reason::RequestMalformed,
                                                      "this port only redirects, and the request "
                                                      "names no host"));
  http::ResponseHead head;
  head.status = 308;
  head.fields.add(FieldId::Location, *location);
  head.fields.add(FieldId::ContentLength, "0");
  exchange.begin(std::move(head), true);
}

loop::Task<void> HttpsRedirect::refuse(http::Exchange& exchange, Failure failure) {
  return next_.refuse(exchange, std::move(failure));
}

}  // namespace parley::edge
