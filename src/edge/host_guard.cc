#include "edge/host_guard.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"

namespace parley::edge {
namespace {

bool is_port(std::string_view text) { return std::ranges::all_of(text, ascii_digit); }

// uri-host of an authority, without brackets (RFC 9110, 7.2; RFC 3986, 3.2.2); nullopt: malformed.
std::optional<std::string_view> host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view port = authority.substr(end + 1);
    if (!port.empty() && (port.front() != ':' || !is_port(port.substr(1)))) return std::nullopt;
    return authority.substr(1, end - 1);
  }
  const size_t colon = authority.find(':');
  if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1))) return std::nullopt;
  return authority.substr(0, colon);
}

bool is_wildcard(const net::Address& address) {
  const std::string host = address.host_text();
  return host == "0.0.0.0" || host == "::";
}

}  // namespace

HostGuard::HostGuard(http::ExchangeService& next, const net::Address& listener,
                     const HostSettings& settings)
    : next_(next), listener_(listener), every_address_(is_wildcard(listener)) {
  for (const std::string& name : settings.names) names_.push_back(ascii_lowered(name));
}

loop::Task<void> HostGuard::serve(http::Exchange& exchange) {
  const std::string_view authority = exchange.request().authority();
  if (allows(authority)) return next_.serve(exchange);
  return next_.refuse(
      exchange,
      Failure(Reason::HostForbidden,
              fmt::format("this listener does not answer to the host \"{}\"; use its address, "
                          "localhost, or a name that its configuration allows",
                          authority)));
}

loop::Task<void> HostGuard::refuse(http::Exchange& exchange, Failure failure) {
  return next_.refuse(exchange, std::move(failure));
}

bool HostGuard::allows(std::string_view authority) const {
  if (listener_.is_unix()) return true;  // no web page reaches it
  const std::optional<std::string_view> host = host_of(authority);
  if (!host || host->empty()) return false;
  if (const auto address = net::Address::from_literal(*host, 0)) return allows_address(*address);
  std::string name = ascii_lowered(*host);
  if (name.ends_with('.')) name.pop_back();
  // RFC 6761, 6.3: names below localhost are loopback, too.
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  return std::ranges::find(names_, name) != names_.end();
}

bool HostGuard::allows_address(const net::Address& host) const {
  return every_address_ || host.is_loopback() || host.host_text() == listener_.host_text();
}

}  // namespace parley::edge
