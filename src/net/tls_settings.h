#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace parley::net {

// PEM files: a certificate, leaf first, with the chain that leads to its root; and its private key.
struct CertificateFiles {
  std::string cert;
  std::string key;
};

// Whether clients show a certificate. One that is shown must be good, whichever of them it is.
enum class ClientAuth : uint8_t { Off, Request, Require };

enum class TlsVersion : uint8_t { Tls12, Tls13 };

// TLS of a listener: `listeners[].tls`.
struct TlsServerSettings {
  // Chosen by the names in them (SNI), exact before wildcard; the first for all other names. Empty:
  // the listener speaks no TLS.
  std::vector<CertificateFiles> certificates;
  TlsVersion min_version = TlsVersion::Tls12;
  ClientAuth client_auth = ClientAuth::Off;
  std::string client_ca;  // PEM file of the authorities that clients' certificates come from
  Duration handshake_timeout = std::chrono::seconds(10);
  // How long a session may be resumed; its keys are replaced twice in that time. 0: never.
  Duration ticket_lifetime = std::chrono::hours(2);
};

// TLS to an upstream: `upstreams.NAME.tls`.
struct TlsClientSettings {
  bool enabled = false;
  std::string ca;           // PEM file; empty: the system's authorities
  std::string server_name;  // empty: the endpoint's own name
  std::string cert;         // shown to the upstream when it asks; both or neither
  std::string key;
  bool verify = true;
  TlsVersion min_version = TlsVersion::Tls12;
  friend bool operator==(const TlsClientSettings&, const TlsClientSettings&) = default;
};

// A certificate that is shown, and when it expires.
struct CertificateExpiry {
  std::string path;
  int64_t expires = 0;  // seconds since the epoch
};

// What is wrong with the files of some settings, for the person who wrote them.
struct TlsProblem {
  std::string_view setting;  // "cert", "key", "client_ca", "ca": a literal
  std::string path;          // of the file
  std::string what;
  std::string remedy;
  bool warning = false;  // it works all the same
};

}  // namespace parley::net
