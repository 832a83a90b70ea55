#pragma once

#include <string>

#include "call/call.h"
#include "http/exchange.h"

namespace parley::door {

// Where an exchange comes from. Its views are of the exchange's connection.
call::Peer peer_of(const http::Exchange& exchange);

// Who that is, as far as a certificate has proven it.
call::Identity identity_of(const call::Peer& peer);

// The verified certificate as one element of Envoy's x-forwarded-client-cert: `Hash=...;Subject=
// "...";URI=...;DNS=...`, each name in its own pair. REQUIRES: there is one.
std::string client_cert_text(const call::Peer& peer);

}  // namespace parley::door
