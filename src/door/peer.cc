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

// A subject as RFC 4514 has it. Quotes and backslashes in it become their hexadecimal form (2.4),
// which means the same: some readers of the field take every backslash-quote for a quote.
std::string quoted_subject(std::string_view subject) {
  std::string text = "\"";
  for (size_t i = 0; i < subject.size(); ++i) {
    const bool escape = subject[i] == '\\';
    const char next = escape && i + 1 < subject.size() ? subject[i + 1] : '\\';
    if (subject[i] == '"' || (escape && next == '"')) {
      text += "\\22";
    } else if (escape && next == '\\') {
      text += "\\5C";
    } else {
      text += subject[i];
      continue;
    }
    if (escape) ++i;
  }
  return text += '"';
}

// A value with a separator in it is quoted, so that nobody adds a pair by a name. No URI and no
// name of a host has quotes or backslashes: in what pretends to be one they are percent-encoded.
void add_pair(std::string_view key, std::string_view value, std::string& text) {
  const bool separated = value.find_first_of(",;=") != std::string_view::npos;
  text += ';';
  text += key;
  text += separated ? "=\"" : "=";
  for (const char c : value) {
    if (c == '"')
      text += "%22";
    else if (c == '\\')
      text += "%5C";
    else
      text += c;
  }
  if (separated) text += '"';
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
  text += ";Subject=" + quoted_subject(peer.tls_subject);
  for (const std::string_view kind : {"URI", "DNS"}) {
    for (const std::string_view name : peer.tls_names) {
      if (name.starts_with(kind) && name.substr(kind.size()).starts_with(':'))
        add_pair(kind, name.substr(kind.size() + 1), text);
    }
  }
  return text;
}

}  // namespace parley::door
