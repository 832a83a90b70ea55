#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "http/client.h"
#include "loop/loop.h"
#include "loop/task_set.h"
#include "net/network.h"
#include "net/tls_context.h"
#include "net/tls_session_cache.h"
#include "upstream/settings.h"

namespace parley::upstream {

// What happened when connections were made, over all endpoints of an upstream.
struct ConnectCounts {
  uint64_t made = 0;
  uint64_t timeouts = 0;  // attempts that took longer than connect_timeout
};

// One address of an upstream, and this shard's connections to it. Keeps one connection open, opens
// more while streams run out, and waits longer after each failure to connect (with jitter, so that
// many gateways do not come back at once).
class Endpoint {
 public:
  // `changed` is notified whenever a stream may have become available, or hope is lost. `tls`: what
  // new connections are made with; `name` is what their certificate has to be for. `counts` is
  // counted up.
  Endpoint(loop::Loop& loop, net::Network& network, const Settings& settings,
           const net::TlsClientContext& tls, net::Address address, std::string name,
           loop::Signal& changed, ConnectCounts& counts);
  ~Endpoint();

  // A connection that takes a stream now, the least loaded; nullptr: none. Never `avoid`.
  http::ClientConnection* available(const http::ClientConnection* avoid);
  // Asks for one more connection. False: there are enough, or the last attempt failed and it is not
  // time yet.
  bool grow();

  bool connected() const;
  // Whether a connection is being made, or will be at once.
  bool connecting() const { return !draining_ && (connecting_ || failures_ == 0); }
  size_t streams() const;
  const std::string& name() const { return name_; }
  const net::Address& address() const { return address_; }
  const std::string& last_error() const { return last_error_; }
  // The smallest SETTINGS_MAX_HEADER_LIST_SIZE of its connections; UINT32_MAX: none was named.
  uint32_t header_bytes_max() const;

  // Takes no new streams from now on.
  void drain();

 private:
  loop::Task<void> keep_connected();
  loop::Task<Result<std::unique_ptr<http::ClientConnection>>> connect();
  loop::Task<Result<std::unique_ptr<net::ByteStream>>> secure(
      std::unique_ptr<net::ByteStream> stream);
  loop::Task<void> watch(http::ClientConnection& connection);
  void note_end(const http::ClientConnection& connection, Duration lived);
  void forget(http::ClientConnection& connection);

  loop::Loop& loop_;
  net::Network& network_;
  const Settings& settings_;
  const net::TlsClientContext& tls_;
  const net::Address address_;
  const std::string tls_name_;
  const std::string name_;
  loop::Signal& changed_;
  ConnectCounts& counts_;
  loop::Signal wanted_;
  net::TlsSessionCache sessions_;  // borrowed by its connections

  std::vector<std::unique_ptr<http::ClientConnection>> connections_;
  size_t wanted_count_ = 1;
  bool connecting_ = false;
  bool draining_ = false;
  uint32_t failures_ = 0;     // to connect, in a row
  uint32_t short_lived_ = 0;  // connections that ended at once and served nothing, in a row
  uint32_t calm_ = 0;         // how often the upstream asked for fewer pings
  std::string last_error_;
  loop::TaskSet tasks_;
};

}  // namespace parley::upstream
