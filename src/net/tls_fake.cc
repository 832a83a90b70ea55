#include "net/tls_fake.h"

#include <filesystem>
#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/assert.h"
#include "net/openssl.h"

namespace parley::net {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::Key;

Key make_key(bool rsa) { return Key(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")); }

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  PARLEY_ASSERT(extension);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate make_certificate(const std::string& common_name, const Key& key, int serial,
                             long valid_for_seconds) {
  Certificate made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -24 * 3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), valid_for_seconds);
  X509_set_pubkey(made.get(), key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  return made;
}

std::string pem_of(const Certificate& certificate) {
  const Bio text(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(text.get(), certificate.get());
  return std::string(openssl::content(text));
}

std::string pem_of(const Key& key) {
  const Bio text(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return std::string(openssl::content(text));
}

}  // namespace

struct FakeAuthority::Keys {
  Key key;
  Certificate certificate;
};

FakeAuthority::FakeAuthority() {
  std::string folder = (std::filesystem::temp_directory_path() / "parley-tls-XXXXXX").string();
  PARLEY_ASSERT(mkdtemp(folder.data()));
  folder_ = folder;
  Key key = make_key(false);
  Certificate own = make_certificate("test authority", key, 1, 24 * 3600);
  X509_set_issuer_name(own.get(), X509_get_subject_name(own.get()));
  extend(own.get(), own.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(own.get(), key.get(), EVP_sha256());
  ca_ = write("ca.pem", pem_of(own));
  keys_ = std::make_unique<Keys>(std::move(key), std::move(own));
}

FakeAuthority::~FakeAuthority() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

CertificateFiles FakeAuthority::issue(const Wanted& wanted) {
  const int serial = ++issued_ + 1;
  const Key key = make_key(wanted.rsa);
  const Certificate leaf =
      make_certificate(wanted.common_name, key, serial, wanted.valid_for_seconds);
  X509* const issuer = keys_->certificate.get();
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer));
  if (!wanted.names.empty())
    extend(leaf.get(), issuer, NID_subject_alt_name,
           fmt::format("{}", fmt::join(wanted.names, ",")));
  X509_sign(leaf.get(), keys_->key.get(), EVP_sha256());
  return {write(fmt::format("cert-{}.pem", serial), pem_of(leaf)),
          write(fmt::format("key-{}.pem", serial), pem_of(key))};
}

std::string FakeAuthority::path(std::string_view name) const {
  return fmt::format("{}/{}", folder_, name);
}

std::string FakeAuthority::write(std::string_view name, std::string_view content) const {
  std::string to = path(name);
  std::ofstream(to, std::ios::binary) << content;
  return to;
}

}  // namespace parley::net
