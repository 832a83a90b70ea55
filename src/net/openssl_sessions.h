#pragma once

// For this folder's .cc files only, as openssl.h.

#include <cstdint>
#include <deque>

#include "net/openssl.h"
#include "net/tls_session_cache.h"

namespace parley::net {

namespace openssl {

using Resumable = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;

// Has the sessions of a client's context kept where the connection says.
void keep_sessions(SSL_CTX* context);

}  // namespace openssl

// Newest last.
struct TlsSessionCache::Sessions {
  static constexpr size_t kKeptMax = 4;  // a server sends two tickets with each full handshake

  // Gives the connection a session to resume, if there is one, and keeps what it will be offered.
  // `context`: the number of the context that the connection is made by.
  void attach(SSL* connection, uint64_t context);
  void keep(openssl::Resumable session);

 private:
  openssl::Resumable take();

  uint64_t context_ = 0;  // that all of them are of
  std::deque<openssl::Resumable> kept_;
};

}  // namespace parley::net
