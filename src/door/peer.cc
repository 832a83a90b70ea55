#include "door/peer.h"

#include <algorithm>
#include <string_view>

namespace parley::door {
namespace {

constexpr std::string_view kUri = "URI:";
constexpr std::string_view kSpiffe = "URI:spiffe://";

// An X.509-SVID has exactly one URI (SPIFFE, X509-SVID, 2): with more of them it is nobody's.
std::string_view spiffe_id_in(std::span<const std::string> names) {
  const auto is_uri = [](std::string_view name) { return name.starts_with(kUri); };
  const auto uri = std::ranges::find_if(names, is_uri);
  if (uri == names.end() || !uri->starts_with(kSpiffe)) return {};
  if (std::ranges::count_if(names, is_uri) != 1) return {};
  return std::string_view(*uri).substr(kUri.size());
}

std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"') text += '\\';
    text += c;
  }
  return text += '"';
}

// A value with a separator in it is quoted, so that nobody adds a pair by a name.
void add_pair(std::string_view key, std::string_view value, std::string& text) {
  text += ';';
  text += key;
  text += '=';
  text +=
      value.find_first_of(",;=\"\\") == std::string_view::npos ? std::string(value) : quoted(value);
}

}  // namespace

call::Peer peer_of(const http::Exchange& exchange) {
  const net::TlsInfo& tls = exchange.tls();
  call::Peer peer;
  peer.address = exchange.client().host_text();
  peer.tls = exchange.secure();
  peer.tls_subject = tls.peer_subject;
  peer.tls_names = tls.peer_names;
  peer.tls_hash = tls.peer_hash;
  peer.spiffe_id = spiffe_id_in(tls.peer_names);
  return peer;
}

call::Identity identity_of(const call::Peer& peer) {
  return {std::string(peer.spiffe_id.empty() ? peer.tls_subject : peer.spiffe_id)};
}

std::string client_cert_text(const call::Peer& peer) {
  std::string text = "Hash=";
  text += peer.tls_hash;
  text += ";Subject=" + quoted(peer.tls_subject);
  for (const std::string_view kind : {"URI", "DNS"}) {
    for (const std::string_view name : peer.tls_names) {
      if (name.starts_with(kind) && name.substr(kind.size()).starts_with(':'))
        add_pair(kind, name.substr(kind.size() + 1), text);
    }
  }
  return text;
}

}  // namespace parley::door
