#pragma once

// For this folder's .cc files only: no other header names a type of OpenSSL.

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace parley::net::openssl {

template <auto free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    free(object);
  }
};

using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL_free>>;

// One more reference to the same object.
inline Certificate share(const Certificate& certificate) {
  X509_up_ref(certificate.get());
  return Certificate(certificate.get());
}
inline Key share(const Key& key) {
  EVP_PKEY_up_ref(key.get());
  return Key(key.get());
}

// OpenSSL's words for an error, in lower case.
std::string words_of(unsigned long error);
// What went wrong first ("no start line"); forgets all of it.
std::string take_error();

// Everything that is written to a memory BIO.
std::string_view content(const Bio& bio);

}  // namespace parley::net::openssl
