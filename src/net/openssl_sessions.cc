#include "net/openssl_sessions.h"

#include <utility>

#include "base/assert.h"

namespace parley::net {
namespace {

// TLS 1.3 gives tickets for one use each: with a second one, an observer could tell that two
// connections are of one client (RFC 8446, C.4).
bool for_one_use(const SSL_SESSION* session) {
  return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

bool server_expired(const SSL_SESSION* session) {
  // The getter is not const; it changes nothing.
  const X509* const certificate = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
  return certificate && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
}

// 1: the session is ours.
int keep_session(SSL* connection, SSL_SESSION* session) {
  auto* const sessions = static_cast<TlsSessionCache::Sessions*>(SSL_get_app_data(connection));
  if (!sessions) return 0;
  sessions->keep(openssl::Resumable(session));
  return 1;
}

}  // namespace

TlsSessionCache::TlsSessionCache() : sessions_(std::make_unique<Sessions>()) {}
TlsSessionCache::~TlsSessionCache() = default;

void TlsSessionCache::Sessions::attach(SSL* connection, uint64_t context) {
  if (std::exchange(context_, context) != context) kept_.clear();
  SSL_set_app_data(connection, this);
  if (const auto session = take()) SSL_set_session(connection, session.get());
}

void TlsSessionCache::Sessions::keep(openssl::Resumable session) {
  kept_.push_back(std::move(session));
  if (kept_.size() > kKeptMax) kept_.pop_front();
}

openssl::Resumable TlsSessionCache::Sessions::take() {
  while (!kept_.empty()) {
    openssl::Resumable session = std::move(kept_.back());
    kept_.pop_back();
    if (SSL_SESSION_is_resumable(session.get()) != 1 || server_expired(session.get())) continue;
    if (!for_one_use(session.get())) {
      PARLEY_ASSERT(SSL_SESSION_up_ref(session.get()) == 1);
      kept_.emplace_back(session.get());
    }
    return session;
  }
  return nullptr;
}

void openssl::keep_sessions(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
}

}  // namespace parley::net
