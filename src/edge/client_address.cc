#include "edge/client_address.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "base/ascii.h"

namespace parley::edge {
namespace {

// Elements of a chain that are looked at, from the last one on: more than any way has, and so few
// that a long header costs nothing.
constexpr size_t kHopsMax = 64;

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80": what proxies write. nullopt: a
// name, "unknown", or nonsense.
std::optional<net::Address> address_in(std::string_view text) {
  text = trim_ows(text);
  if (text.find('%') != std::string_view::npos)
    return std::nullopt;  // a zone: it means nothing here
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    const std::string_view rest = end == std::string_view::npos ? "!" : text.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
    return net::Address::from_literal(text.substr(1, end - 1), 0);
  }
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && colon == text.rfind(':')) text = text.substr(0, colon);
  return net::Address::from_literal(text, 0);
}

// Whether the quote at `at` is part of a quoted-string, and neither its begin nor its end.
bool escaped(std::string_view text, size_t at) {
  size_t backslashes = 0;
  while (backslashes < at && text[at - backslashes - 1] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

// The last comma that is in no quoted-string; npos: there is none. Read from the end, since what
// stands before the newest element is others': a quote that they left open reaches no further.
size_t last_comma(std::string_view list) {
  bool quoted = false;
  for (size_t at = list.size(); at-- > 0;) {
    if (list[at] == '"' && !escaped(list, at)) quoted = !quoted;
    if (list[at] == ',' && !quoted) return at;
  }
  return std::string_view::npos;
}

// The first pair of an element of Forwarded.
std::string_view first_pair(std::string_view element) {
  bool quoted = false;
  for (size_t at = 0; at < element.size(); ++at) {
    if (element[at] == '"' && !(quoted && escaped(element, at))) quoted = !quoted;
    if (element[at] == ';' && !quoted) return element.substr(0, at);
  }
  return element;
}

// A parameter of one element of Forwarded (RFC 7239, 4): token or quoted-string.
std::string_view parameter_in(std::string_view element, std::string_view name) {
  while (!element.empty()) {
    const std::string_view pair = first_pair(element);
    element.remove_prefix(std::min(pair.size() + 1, element.size()));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    if (!ascii_equal(trim_ows(pair.substr(0, equals)), name)) continue;
    std::string_view value = trim_ows(pair.substr(equals + 1));
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
      value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

// The elements of a list from its end: the newest first. Several fields are one list.
std::vector<std::string_view> newest_first(const Fields& request, FieldId id) {
  std::vector<std::string_view> chain;
  for (size_t i = request.size(); i > 0 && chain.size() < kHopsMax; --i) {
    const Field field = request[i - 1];
    if (field.id != id) continue;
    for (std::string_view left = field.value; chain.size() < kHopsMax;) {
      const size_t comma = last_comma(left);
      chain.push_back(comma == std::string_view::npos ? left : left.substr(comma + 1));
      if (comma == std::string_view::npos) break;
      left = left.substr(0, comma);
    }
  }
  return chain;
}

// What one hop has written of the one before it.
struct Hop {
  std::string_view client;
  std::string_view scheme;  // empty: nothing
};

std::vector<Hop> hops_of(const Fields& request, ForwardedSettings::Header header) {
  std::vector<Hop> hops;
  if (header == ForwardedSettings::Header::Forwarded) {
    for (const std::string_view element : newest_first(request, FieldId::Forwarded))
      hops.push_back({parameter_in(element, "for"), parameter_in(element, "proto")});
    return hops;
  }
  for (const std::string_view client : newest_first(request, FieldId::XForwardedFor))
    hops.push_back({client, {}});
  // Some write one scheme for the whole way, others one for each hop.
  const auto schemes = newest_first(request, FieldId::XForwardedProto);
  for (size_t i = 0; i < hops.size() && !schemes.empty(); ++i)
    hops[i].scheme = trim_ows(schemes[std::min(i, schemes.size() - 1)]);
  return hops;
}

std::optional<bool> is_https(std::string_view scheme) {
  if (ascii_equal(scheme, "https")) return true;
  if (ascii_equal(scheme, "http")) return false;
  return std::nullopt;
}

bool trusted(const net::Address& address, const ForwardedSettings& settings) {
  return std::ranges::any_of(
      settings.trusted, [&](const net::AddressRange& range) { return range.contains(address); });
}

}  // namespace

ForwardedClient client_of(const Fields& request, const net::Address& peer,
                          const ForwardedSettings& settings) {
  ForwardedClient client;
  size_t count = 0;
  for (const Hop& hop : hops_of(request, settings.header)) {
    const bool believed = settings.trusted_hops > 0
                              ? count < settings.trusted_hops
                              : trusted(client.address.value_or(peer), settings);
    if (!believed) break;
    const auto before = address_in(hop.client);
    if (!before) break;
    client = {before, is_https(hop.scheme)};
    ++count;
  }
  return client;
}

loop::Task<void> ClientAddress::serve(http::Exchange& exchange) {
  find_client(exchange);
  return next_.serve(exchange);
}

loop::Task<void> ClientAddress::refuse(http::Exchange& exchange, Failure failure) {
  find_client(exchange);
  return next_.refuse(exchange, std::move(failure));
}

void ClientAddress::find_client(http::Exchange& exchange) const {
  const auto client = client_of(exchange.request().fields, exchange.peer(), settings_);
  if (client.address) exchange.set_client(*client.address);
  if (client.secure) exchange.set_secure(*client.secure);
}

}  // namespace parley::edge
