#pragma once

// For this folder's .cc files only, as openssl.h.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/openssl.h"
#include "net/tls_settings.h"

namespace parley::net::openssl {

// A certificate that can be shown: with its chain, its key, and the names that it is good for.
struct Shown {
  Certificate leaf;
  std::vector<Certificate> chain;  // what follows the leaf in the file
  Key key;
  std::vector<std::string> names;  // lower case, sorted: "example.com", "*.example.com"

  Shown copy() const;  // of the same objects
};

// Files of these settings larger than this are refused: they are no certificates.
inline constexpr size_t kPemBytesMax = 1024 * 1024;

// The pair of files; nullopt: they do not load, or do not belong together. `setting`s of problems
// are "cert" and "key".
std::optional<Shown> load_shown(const CertificateFiles& files, std::vector<TlsProblem>& problems);

// All certificates of a PEM file; none: that is a problem of `setting`.
std::vector<Certificate> load_authorities(const std::string& path, std::string_view setting,
                                          std::vector<TlsProblem>& problems);

// When it expires, in seconds since the epoch.
int64_t expires(const X509& certificate);

// The DNS names of a certificate; without any, its common name (RFC 9525 has buried it, but old
// certificates of private authorities live on).
std::vector<std::string> names_of(const X509& certificate);

}  // namespace parley::net::openssl
