#include "net/tls_context.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "base/ascii.h"
#include "base/assert.h"
#include "net/address.h"
#include "net/openssl_context.h"
#include "net/openssl_failure.h"
#include "net/openssl_sessions.h"

namespace parley::net {
namespace {

using openssl::Context;
using Shared = TlsServerContext::Shared;

// Mozilla's "intermediate" for TLS 1.2, without its finite-field Diffie-Hellman: no client of the
// last ten years needs it, and anyone can make a server compute it. All have forward secrecy and
// authenticated encryption, as HTTP/2 asks for (RFC 9113, 9.2.2).
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;  // 112 bits: RSA from 2048, no SHA-1 signatures
constexpr size_t kTickets13 = 1;   // for each handshake: clients of ours open one connection

// ALPN (RFC 7301), in our order.
constexpr std::array<unsigned char, 12> kServerProtocols = {2,   'h', '2', 8,   'h', 't',
                                                            't', 'p', '/', '1', '.', '1'};
constexpr std::array<unsigned char, 3> kClientProtocols = {2, 'h', '2'};

int version_number(TlsVersion version) {
  return version == TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

// What both sides have in common.
Context make_context(const SSL_METHOD* method, TlsVersion min_version) {
  Context context(SSL_CTX_new(method));
  PARLEY_ASSERT(context);
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_min_proto_version(raw, version_number(min_version));
  SSL_CTX_set_security_level(raw, kSecurityLevel);
  // Idle connections own no buffers. A key's parts and the chain are ours to name.
  SSL_CTX_set_mode(
      raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(raw, 0);
  SSL_CTX_set_verify_depth(raw, openssl::kChainDepthMax);
  SSL_CTX_set_max_cert_list(raw, openssl::kChainBytesMax);
  PARLEY_ASSERT(SSL_CTX_set_cipher_list(raw, kCiphers12) == 1);
  PARLEY_ASSERT(SSL_CTX_set_ciphersuites(raw, kCiphers13) == 1);
  PARLEY_ASSERT(SSL_CTX_set1_groups_list(raw, kGroups) == 1);
  return context;
}

uint64_t next_number() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

bool use(SSL_CTX* context, const openssl::Shown& shown) {
  if (SSL_CTX_use_certificate(context, shown.leaf.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, shown.key.get()) != 1)
    return false;
  SSL_CTX_clear_chain_certs(context);  // of this kind of key
  return std::ranges::all_of(shown.chain, [&](const openssl::Certificate& one) {
    return SSL_CTX_add1_chain_cert(context, one.get()) == 1;
  });
}

// Trusts these, and only these. An authority in the middle of a chain is trusted as it is.
void trust(SSL_CTX* context, const std::vector<openssl::Certificate>& authorities) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const openssl::Certificate& one : authorities) X509_STORE_add_cert(store, one.get());
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, kServerProtocols.data(),
                                          kServerProtocols.size(), offered, offered_size);
  *out = chosen;
  // RFC 7301, 3.2: a fatal no_application_protocol.
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int select_certificate(SSL* session, int*, void* shared) {
  const char* const name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  if (!name) return SSL_TLSEXT_ERR_NOACK;
  const Shared::Choice& choice = static_cast<const Shared*>(shared)->choose(name);
  SSL_set_SSL_CTX(session, choice.context.get());
  return SSL_TLSEXT_ERR_OK;
}

bool set_mac_key(EVP_MAC_CTX* mac, const TicketKeys::Key& key) {
  std::array<uint8_t, 32> secret = key.mac;
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 done, 2 done and a new one is due, 0 unknown, -1
// error.
int ticket_key(SSL* session, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
               EVP_MAC_CTX* mac, int seals) {
  const auto& shared = *static_cast<const Shared*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
  const TicketKeys::Key* key = &shared.tickets.newest();
  if (seals) {
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    std::memcpy(name, key->name.data(), key->name.size());
    const bool set =
        EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher.data(), iv, nullptr) == 1;
    return set && set_mac_key(mac, *key) ? 1 : -1;
  }
  key = shared.tickets.find(name);
  if (!key) return 0;
  const bool set =
      EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher.data(), iv, nullptr) == 1;
  if (!set || !set_mac_key(mac, *key)) return -1;
  // A ticket of TLS 1.3 is for one use (RFC 8446, C.4): who has used it needs another.
  const bool done = key == &shared.tickets.newest() && SSL_version(session) < TLS1_3_VERSION;
  return done ? 1 : 2;
}

// A session is resumed only where its client would be judged the same: what it was verified against
// is part of its context.
void bind_sessions(SSL_CTX* context, const Shared& shared) {
  std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> id{};
  const std::unique_ptr<EVP_MD_CTX, openssl::Freed<EVP_MD_CTX_free>> digest(EVP_MD_CTX_new());
  EVP_DigestInit_ex2(digest.get(), EVP_sha256(), nullptr);
  const auto mode = static_cast<unsigned char>(shared.settings.client_auth);
  EVP_DigestUpdate(digest.get(), &mode, 1);
  for (const openssl::Certificate& one : shared.authorities) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> print{};
    unsigned int size = 0;
    X509_digest(one.get(), EVP_sha256(), print.data(), &size);
    EVP_DigestUpdate(digest.get(), print.data(), size);
  }
  unsigned int size = 0;
  EVP_DigestFinal_ex(digest.get(), id.data(), &size);
  SSL_CTX_set_session_id_context(context, id.data(), size);
}

void ask_clients(SSL_CTX* context, const Shared& shared) {
  if (shared.settings.client_auth == ClientAuth::Off) return;
  const int required =
      shared.settings.client_auth == ClientAuth::Require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nullptr);
  trust(context, shared.authorities);
  for (const openssl::Certificate& one : shared.authorities)
    SSL_CTX_add_client_CA(context, one.get());
}

Context make_server_context(const Shared& shared) {
  Context context = make_context(TLS_server_method(), shared.settings.min_version);
  SSL_CTX* const raw = context.get();
  auto* const self = const_cast<Shared*>(&shared);  // the callbacks give it back as const
  SSL_CTX_set_app_data(raw, self);
  SSL_CTX_set_tlsext_servername_callback(raw, select_certificate);
  SSL_CTX_set_tlsext_servername_arg(raw, self);
  SSL_CTX_set_alpn_select_cb(raw, select_protocol, nullptr);
  const auto lifetime =
      std::chrono::duration_cast<std::chrono::seconds>(shared.settings.ticket_lifetime).count();
  if (lifetime > 0) {
    SSL_CTX_set_tlsext_ticket_key_evp_cb(raw, ticket_key);
    SSL_CTX_set_timeout(raw, lifetime);
    SSL_CTX_set_num_tickets(raw, kTickets13);
  } else {
    SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(raw, 0);
  }
  bind_sessions(raw, shared);
  ask_clients(raw, shared);
  return context;
}

// Puts the certificates into contexts. The index of one that OpenSSL refuses; nullopt: none.
std::optional<size_t> make_choices(Shared& shared) {
  for (size_t i = 0; i < shared.certificates.size(); ++i) {
    const openssl::Shown& shown = shared.certificates[i];
    const int key_type = EVP_PKEY_get_base_id(shown.key.get());
    auto choice = std::ranges::find_if(shared.choices, [&](const Shared::Choice& one) {
      return one.names == shown.names &&
             std::ranges::find(one.key_types, key_type) == one.key_types.end();
    });
    if (choice == shared.choices.end()) {
      shared.choices.push_back({make_server_context(shared), shown.names, {}, i});
      choice = std::prev(shared.choices.end());
    }
    choice->key_types.push_back(key_type);
    if (!use(choice->context.get(), shown)) return i;
    const auto index = static_cast<size_t>(choice - shared.choices.begin());
    for (const std::string& name : shown.names) {
      // The first that has a name keeps it.
      if (name.starts_with("*."))
        shared.by_wildcard.emplace(name.substr(1), index);
      else
        shared.by_name.emplace(name, index);
    }
  }
  return std::nullopt;
}

TlsProblem refused(const std::string& path) {
  return {"cert", path,
          fmt::format("the certificate in {} cannot be used: {}", path, openssl::take_error()),
          "use RSA from 2048 bits, or ECDSA, with SHA-256"};
}

bool is_address(const std::string& text) { return Address::from_literal(text, 0).has_value(); }

}  // namespace

const Shared::Choice& Shared::choose(std::string_view server_name) const {
  std::string name = ascii_lowered(server_name);
  if (name.ends_with('.')) name.pop_back();
  if (const auto exact = by_name.find(name); exact != by_name.end()) return choices[exact->second];
  // A wildcard stands for one label (RFC 9525, 6.3).
  const size_t dot = name.find('.');
  if (dot != std::string::npos && dot > 0) {
    const auto wild = by_wildcard.find(std::string_view(name).substr(dot));
    if (wild != by_wildcard.end()) return choices[wild->second];
  }
  return choices.front();
}

openssl::Session Shared::open() const {
  return openssl::Session(SSL_new(choices.front().context.get()));
}

std::optional<TlsServerContext> TlsServerContext::load(const TlsServerSettings& settings,
                                                       const TicketKeys& tickets,
                                                       std::vector<TlsProblem>& problems) {
  TlsServerContext context;
  if (settings.certificates.empty()) return context;
  // tidy: allow shared_ptr: see the class
  auto shared = std::make_shared<Shared>(Shared{.settings = settings, .tickets = tickets});
  bool good = true;
  for (const CertificateFiles& files : settings.certificates) {
    auto shown = openssl::load_shown(files, problems);
    good = good && shown;
    if (shown) shared->certificates.push_back(*std::move(shown));
  }
  if (settings.client_auth != ClientAuth::Off) {
    shared->authorities = openssl::load_authorities(settings.client_ca, "client_ca", problems);
    good = good && !shared->authorities.empty();
  }
  if (!good) return std::nullopt;
  if (const auto index = make_choices(*shared)) {
    problems.push_back(refused(settings.certificates[*index].cert));
    return std::nullopt;
  }
  context.shared_ = std::move(shared);
  return context;
}

TlsServerContext TlsServerContext::with(const TicketKeys& tickets) const {
  // tidy: allow shared_ptr: see the class
  auto shared = std::make_shared<Shared>(Shared{.settings = shared_->settings, .tickets = tickets});
  for (const openssl::Shown& one : shared_->certificates)
    shared->certificates.push_back(one.copy());
  for (const openssl::Certificate& one : shared_->authorities)
    shared->authorities.push_back(openssl::share(one));
  PARLEY_ASSERT(!make_choices(*shared));  // they have been through it
  TlsServerContext context;
  context.shared_ = std::move(shared);
  return context;
}

const TlsServerSettings& TlsServerContext::settings() const { return shared_->settings; }

size_t TlsServerContext::certificate_for(std::string_view server_name) const {
  return shared_->choose(server_name).first;
}

std::vector<CertificateExpiry> TlsServerContext::expiries() const {
  std::vector<CertificateExpiry> all;
  for (size_t i = 0; active() && i < shared_->certificates.size(); ++i) {
    all.push_back(
        {shared_->settings.certificates[i].cert, openssl::expires(*shared_->certificates[i].leaf)});
  }
  return all;
}

std::vector<CertificateExpiry> TlsClientContext::expiries() const {
  const X509* const shown = active() ? SSL_CTX_get0_certificate(shared_->context.get()) : nullptr;
  if (!shown) return {};
  return {{shared_->settings.cert, openssl::expires(*shown)}};
}

std::optional<TlsClientContext> TlsClientContext::load(const TlsClientSettings& settings,
                                                       std::vector<TlsProblem>& problems) {
  TlsClientContext made;
  if (!settings.enabled) return made;
  Context context = make_context(TLS_client_method(), settings.min_version);
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_alpn_protos(raw, kClientProtocols.data(), kClientProtocols.size());
  openssl::keep_sessions(raw);
  SSL_CTX_set_verify(raw, settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  bool good = true;
  if (!settings.ca.empty()) {
    const auto authorities = openssl::load_authorities(settings.ca, "ca", problems);
    good = !authorities.empty();
    trust(raw, authorities);
  } else if (settings.verify) {
    SSL_CTX_set_default_verify_paths(raw);
  }
  if (!settings.cert.empty() || !settings.key.empty()) {
    const auto shown = openssl::load_shown({settings.cert, settings.key}, problems);
    good = good && shown;
    if (shown && !use(raw, *shown)) {
      good = false;
      problems.push_back(refused(settings.cert));
    }
  }
  if (!good) return std::nullopt;
  // tidy: allow shared_ptr: see the class
  made.shared_ = std::make_shared<Shared>(Shared{std::move(context), settings, next_number()});
  return made;
}

Result<openssl::Session> TlsClientContext::Shared::open(const std::string& server_name) const {
  openssl::Session session(SSL_new(context.get()));
  PARLEY_ASSERT(session);
  X509_VERIFY_PARAM* const rules = SSL_get0_param(session.get());
  // The common name is no name of a host (RFC 9525, 6.3), and a wildcard is a whole label.
  X509_VERIFY_PARAM_set_hostflags(
      rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool address = is_address(server_name);
  bool good = address
                  ? X509_VERIFY_PARAM_set1_ip_asc(rules, server_name.c_str()) == 1
                  : X509_VERIFY_PARAM_set1_host(rules, server_name.data(), server_name.size()) == 1;
  // SNI has no addresses (RFC 6066, 3).
  if (good && !address) good = SSL_set_tlsext_host_name(session.get(), server_name.c_str()) == 1;
  if (!good)
    return Failure(Code::Unavailable,
                   "TLS cannot verify the name `" + server_name + "`: " + openssl::take_error());
  return session;
}

}  // namespace parley::net
