#pragma once

// For this folder's .cc files only, as openssl.h.

#include <string_view>

#include "base/failure.h"
#include "net/openssl.h"

namespace parley::net::openssl {

// Of the certificates that a peer shows, whoever they are from: their bytes, and those between its
// own and the root. Real chains have 10 KiB and 3.
inline constexpr long kChainBytesMax = 100 * 1024;
inline constexpr int kChainDepthMax = 10;

// "TLS handshake failed: `what`"; the cause is one of tls_cause.
Failure handshake_failure(std::string_view cause, std::string_view what);

// What the call on this session that has just failed says; `established`: it was not a handshake.
// Forgets OpenSSL's errors.
Failure session_failure(SSL* session, bool established);

// The stream beneath ended before the session did.
Failure truncated();

}  // namespace parley::net::openssl
