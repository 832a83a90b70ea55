#include "net/openssl_failure.h"

#include <optional>
#include <string>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "net/tls_stream.h"

namespace parley::net::openssl {
namespace {

std::string_view cause_of(int reason) {
  if (reason >= SSL_AD_REASON_OFFSET) return tls_cause::kRefused;
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_BAD_RECORD_TYPE: return tls_cause::kNoTls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_INAPPROPRIATE_FALLBACK: return tls_cause::kVersion;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS: return tls_cause::kCipher;
    case SSL_R_NO_APPLICATION_PROTOCOL: return tls_cause::kAlpn;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return tls_cause::kCertificate;
    default: return tls_cause::kProtocol;
  }
}

// What TLS itself says first: beneath it there may be errors of certificates and signatures.
unsigned long take_session_error() {
  unsigned long chosen = 0;
  for (unsigned long error = 0; (error = ERR_get_error()) != 0;) {
    const bool better = ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_LIB(chosen) != ERR_LIB_SSL;
    if (chosen == 0 || better) chosen = error;
  }
  return chosen;
}

// The state in which the session ended tells what was being read.
bool reads_certificates(const SSL* session) {
  const OSSL_HANDSHAKE_STATE state = SSL_get_state(session);
  return state == TLS_ST_SR_CERT || state == TLS_ST_CR_CERT;
}

// A limit of what the peer may show, with what to say of it.
struct Excess {
  std::string_view limit;
  std::string what;
};

std::optional<Excess> excess_of(const SSL* session, int reason) {
  if (reason == SSL_R_EXCESSIVE_MESSAGE_SIZE && reads_certificates(session))
    return Excess{"fixed.certificate_chain_bytes_max",
                  fmt::format("the certificates have more than {} bytes", kChainBytesMax)};
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED &&
      SSL_get_verify_result(session) == X509_V_ERR_CERT_CHAIN_TOO_LONG)
    return Excess{"fixed.certificate_chain_depth_max",
                  fmt::format("the certificate is not good: more than {} others are between it "
                              "and the root",
                              kChainDepthMax)};
  return std::nullopt;
}

}  // namespace

Failure handshake_failure(std::string_view cause, std::string_view what) {
  Failure failure(Code::Unavailable, fmt::format("TLS handshake failed: {}", what));
  failure.with_detail(std::string(cause)).remedy(Remedy::RetryElsewhere);
  return failure;
}

Failure session_failure(SSL* session, bool established) {
  const unsigned long error = take_session_error();
  const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
  const std::string_view cause = cause_of(reason);
  std::string what = words_of(error);
  if (cause == tls_cause::kRefused) {
    what = fmt::format("the peer says: {}", what);
  } else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    what = fmt::format("the certificate is not good: {}",
                       X509_verify_cert_error_string(SSL_get_verify_result(session)));
  } else if (reason == SSL_R_HTTP_REQUEST) {
    what = "the peer speaks HTTP without TLS";
  }
  if (const auto excess = excess_of(session, reason); excess && !established)
    return handshake_failure(cause, excess->what).with_limit(excess->limit).take();
  if (!established) return handshake_failure(cause, what);
  Failure failure(Code::Unavailable, fmt::format("TLS failed: {}", what));
  failure.with_detail(std::string(cause)).remedy(Remedy::Reconnect);
  return failure;
}

Failure truncated() {
  Failure failure(Code::Unavailable, "the connection ended without close_notify of TLS");
  failure.with_detail(std::string(tls_cause::kClosed)).remedy(Remedy::Reconnect);
  return failure;
}

}  // namespace parley::net::openssl
