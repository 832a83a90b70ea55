#include "net/openssl_peer.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>

#include "net/address.h"

namespace parley::net::openssl {
namespace {

using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

// Names are IA5Strings, in which an authority can sign anything; what is no visible ASCII would
// only confuse who reads it.
bool visible(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string_view view(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

void add(std::vector<std::string>& names, std::string_view kind, std::string_view name) {
  if (visible(name)) names.push_back(fmt::format("{}:{}", kind, name));
}

void add_address(std::vector<std::string>& names, std::string_view bytes) {
  const auto part = [&](size_t i) { return static_cast<unsigned>(static_cast<uint8_t>(bytes[i])); };
  if (bytes.size() == 4) {
    add(names, "IP", fmt::format("{}.{}.{}.{}", part(0), part(1), part(2), part(3)));
  } else if (bytes.size() == 16) {
    std::array<std::string, 8> groups;
    for (size_t i = 0; i < groups.size(); ++i)
      groups[i] = fmt::format("{:x}", part(2 * i) << 8 | part(2 * i + 1));
    const auto address = Address::from_literal(fmt::format("{}", fmt::join(groups, ":")), 0);
    if (address) add(names, "IP", address->host_text());
  }
}

// GeneralNames of RFC 5280, 4.2.1.6, those that hosts and services have.
std::vector<std::string> names_in(const X509* certificate) {
  std::vector<std::string> names;
  const Names all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all.get(), i);
    switch (name->type) {
      case GEN_DNS: add(names, "DNS", view(name->d.dNSName)); break;
      case GEN_URI: add(names, "URI", view(name->d.uniformResourceIdentifier)); break;
      case GEN_EMAIL: add(names, "EMAIL", view(name->d.rfc822Name)); break;
      case GEN_IPADD: add_address(names, view(name->d.iPAddress)); break;
      default: break;
    }
  }
  return names;
}

void add_peer(X509* certificate, TlsInfo& info) {
  const Bio subject(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(subject.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  info.peer_subject = content(subject);
  info.peer_names = names_in(certificate);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  X509_digest(certificate, EVP_sha256(), hash.data(), &size);
  for (unsigned int i = 0; i < size; ++i) info.peer_hash += fmt::format("{:02x}", hash[i]);
}

}  // namespace

TlsInfo info_of(SSL* session) {
  TlsInfo info;
  info.active = true;
  info.resumed = SSL_session_reused(session) == 1;
  info.protocol = SSL_get_version(session);
  const unsigned char* alpn = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(session, &alpn, &size);
  info.alpn.assign(reinterpret_cast<const char*>(alpn), size);
  if (const char* name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name))
    info.server_name = name;
  X509* const certificate = SSL_get0_peer_certificate(session);
  const bool verified = (SSL_get_verify_mode(session) & SSL_VERIFY_PEER) != 0 &&
                        SSL_get_verify_result(session) == X509_V_OK;
  if (certificate && verified) add_peer(certificate, info);
  ERR_clear_error();
  return info;
}

bool peer_expired(SSL* session) {
  const X509* const certificate = SSL_get0_peer_certificate(session);
  return certificate && SSL_session_reused(session) == 1 && SSL_is_server(session) &&
         X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
}

}  // namespace parley::net::openssl
