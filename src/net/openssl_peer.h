#pragma once

// For this folder's .cc files only, as openssl.h.

#include "net/byte_stream.h"
#include "net/openssl.h"

namespace parley::net::openssl {

// What an established session tells of itself and of its verified peer.
TlsInfo info_of(SSL* session);

// Whether a resumed session's certificate of the peer is over: nobody has looked since.
bool peer_expired(SSL* session);

}  // namespace parley::net::openssl
