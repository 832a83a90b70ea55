#pragma once

// For this folder's .cc files only, as openssl.h.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/openssl_certificate.h"
#include "net/tls_context.h"

namespace parley::net {

struct TlsServerContext::Shared {
  // One of OpenSSL's contexts for each set of names; certificates of the same names and different
  // kinds of key (RSA, ECDSA) share one, and the client's abilities choose.
  struct Choice {
    openssl::Context context;
    std::vector<std::string> names;
    std::vector<int> key_types;
    size_t first = 0;  // of its certificates, in the order of the settings
  };

  TlsServerSettings settings;
  TicketKeys tickets;
  std::vector<openssl::Shown> certificates;
  std::vector<openssl::Certificate> authorities;           // of clients
  std::vector<Choice> choices;                             // the default first
  std::map<std::string, size_t, std::less<>> by_name;      // into `choices`
  std::map<std::string, size_t, std::less<>> by_wildcard;  // without the "*": ".example.com"

  // The choice for what a client asks for, in any case, with or without a final dot.
  const Choice& choose(std::string_view server_name) const;
  openssl::Session open() const;
};

struct TlsClientContext::Shared {
  openssl::Context context;
  TlsClientSettings settings;
  uint64_t number = 0;  // no other one of this process has it
  // A session that verifies `server_name`, a DNS name or an address. Failure: OpenSSL's.
  Result<openssl::Session> open(const std::string& server_name) const;
};

}  // namespace parley::net
