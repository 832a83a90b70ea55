#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "net/tls_settings.h"
#include "net/tls_tickets.h"

namespace parley::net {

// What the TLS connections of a listener share: certificates, keys, rules. Immutable; copies share
// it, on any thread, and a handshake holds one until it is through, so that a newer one may take
// its place at any time. An empty one means: no TLS.
class TlsServerContext {
 public:
  TlsServerContext() = default;
  // From the files that the settings name. nullopt: `problems` says why; it may have warnings in
  // any case. An empty context when the settings name no certificate.
  static std::optional<TlsServerContext> load(const TlsServerSettings& settings,
                                              const TicketKeys& tickets,
                                              std::vector<TlsProblem>& problems);
  // The same, without a look at the files, but for the tickets. REQUIRES: active().
  TlsServerContext with(const TicketKeys& tickets) const;

  bool active() const { return shared_ != nullptr; }
  const TlsServerSettings& settings() const;  // REQUIRES: active()
  // Which certificate clients that ask for this name get, from 0 in the order of the settings.
  // REQUIRES: active().
  size_t certificate_for(std::string_view server_name) const;
  // In the order of the settings; none of an empty context.
  std::vector<CertificateExpiry> expiries() const;

  struct Shared;
  const Shared& shared() const { return *shared_; }

 private:
  // tidy: allow shared_ptr: shards share it, and none of them knows who lets go of it last
  std::shared_ptr<const Shared> shared_;
};

// The same for connections to an upstream.
class TlsClientContext {
 public:
  TlsClientContext() = default;
  // As above; an empty context when TLS is not enabled.
  static std::optional<TlsClientContext> load(const TlsClientSettings& settings,
                                              std::vector<TlsProblem>& problems);

  bool active() const { return shared_ != nullptr; }
  std::vector<CertificateExpiry> expiries() const;  // one, or none

  struct Shared;
  const Shared& shared() const { return *shared_; }

 private:
  // tidy: allow shared_ptr: as above
  std::shared_ptr<const Shared> shared_;
};

}  // namespace parley::net
