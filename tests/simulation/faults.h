#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "loop/task_set.h"
#include "net/net_fake.h"
#include "simulation/ledger.h"

namespace parley::simulation {

// What goes wrong on the wires of a run. Every connection has its own delays and sizes, so that
// what happens on several of them is reordered; some are stalled for a time, or reset.
class Faults {
 public:
  Faults(loop::Loop& loop, net::MemoryNetwork& network, const Profile& profile, Draw draw,
         Ledger& ledger, Trace& trace);

  // Connections to this address come from clients, all others go to upstreams. `number`: which
  // process listens there from now on.
  void set_gateway(const net::Address& address, int number) {
    gateway_ = address;
    gateway_number_ = number;
  }
  // How long the gateway may take to come back after trouble with an upstream.
  Duration recovery{};

  // Of a client's connection, by the client's address.
  ClientLink& link_of(const net::Address& client);
  // Refuses or swallows connections to an upstream now and then, while this is awaited.
  loop::Task<void> interrupt(const net::Address& upstream, Draw draw);
  // Connections that clients have opened so far.
  uint64_t client_connections() const { return client_connections_; }
  // From now on nothing goes wrong any more.
  void stop();

  static constexpr Duration kDelayMax = std::chrono::milliseconds(60);
  static constexpr Duration kStallMax = std::chrono::milliseconds(1500);

 private:
  void opened(const net::WireHandle& wire, const net::Address& client, const net::Address& server);
  void shape(net::MemoryPath& path, Draw& draw) const;
  loop::Task<void> reset_later(net::WireHandle wire, Duration after, ClientLink* link);
  loop::Task<void> fall_silent_later(net::WireHandle wire, Duration after);
  loop::Task<void> stall_later(net::WireHandle wire, Duration after, Duration length, bool forth);

  loop::Loop& loop_;
  net::MemoryNetwork& network_;
  const Profile& profile_;
  Draw draw_;
  Ledger& ledger_;
  Trace& trace_;
  net::Address gateway_;
  int gateway_number_ = 0;
  uint64_t wires_ = 0;
  uint64_t client_connections_ = 0;
  bool stopped_ = false;
  std::map<uint16_t, ClientLink> links_;  // by the client's port
  loop::TaskSet tasks_;
};

}  // namespace parley::simulation
