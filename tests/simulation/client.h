#pragma once

#include <cstdint>
#include <string_view>

#include "http/exchange.h"
#include "loop/task.h"
#include "net/network.h"
#include "simulation/faults.h"
#include "simulation/ledger.h"

namespace parley::simulation {

// What a simulated client borrows from its world.
struct ClientContext {
  loop::Loop& loop;
  net::Network& network;
  const net::Address& gateway;
  const Profile& profile;
  const http::Settings http;  // of the gateway
  Faults& faults;
  Ledger& ledger;
  Trace& trace;
};

// Without an answer for so long a client takes the call for lost. One upstream that takes one call
// at a time, over slow wires, needs more than 10 s for each of those before it.
inline constexpr Duration kPatience = std::chrono::seconds(240);
// And for so long it waits for the gateway to close a connection.
inline constexpr Duration kCloseTime = std::chrono::seconds(20);

// How long a client keeps its connection after its last answer.
Duration draw_stay(Draw& draw);

// One kind of client: a connection, or several one after the other, from connecting to the end.
// `name` begins the nonces of its calls. A new kind is a row in client.cc.
struct ClientKind {
  std::string_view name;
  uint64_t weight;
  loop::Task<void> (*run)(ClientContext& context, Draw draw, std::string name);
};
const ClientKind& draw_client(Draw& draw);

}  // namespace parley::simulation
