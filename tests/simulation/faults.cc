#include "simulation/faults.h"

#include <utility>

namespace parley::simulation {

using std::chrono::milliseconds;

Faults::Faults(loop::Loop& loop, net::MemoryNetwork& network, const Profile& profile, Draw draw,
               Ledger& ledger, Trace& trace)
    : loop_(loop),
      network_(network),
      profile_(profile),
      draw_(draw),
      ledger_(ledger),
      trace_(trace),
      tasks_(loop) {
  network_.opened = [this](const net::WireHandle& wire, const net::Address& client,
                           const net::Address& server) { opened(wire, client, server); };
}

ClientLink& Faults::link_of(const net::Address& client) { return links_[client.port()]; }

void Faults::stop() {
  stopped_ = true;
  tasks_.cancel_all();
  for (const net::WireHandle& wire : network_.wires) {
    wire->forth.resume();
    wire->back.resume();
  }
}

void Faults::opened(const net::WireHandle& wire, const net::Address& client,
                    const net::Address& server) {
  const bool of_client = server == gateway_;
  if (of_client) ++client_connections_;
  if (stopped_) return;
  Draw draw = draw_.part(++wires_);
  if (of_client) link_of(client).gateway = gateway_number_;
  shape(wire->forth, draw);
  shape(wire->back, draw);
  const bool resets = of_client ? profile_.client_resets : profile_.upstream_resets;
  if (resets && draw.one_in(3)) {
    ClientLink* link = of_client ? &link_of(client) : nullptr;
    tasks_.spawn(reset_later(wire, draw.time(Duration(0), milliseconds(3000)), link));
  }
  if (!of_client && profile_.upstream_silence && draw.one_in(3))
    tasks_.spawn(fall_silent_later(wire, draw.time(Duration(0), milliseconds(3000))));
  if (profile_.stalls && draw.one_in(2))
    tasks_.spawn(stall_later(wire, draw.time(Duration(0), milliseconds(2000)),
                             draw.time(milliseconds(1), kStallMax), draw.one_in(2)));
}

void Faults::shape(net::MemoryPath& path, Draw& draw) const {
  if (!profile_.slow_wires) return;
  if (draw.one_in(2)) path.delay = draw.time(Duration(0), kDelayMax);
  if (draw.one_in(3)) path.read_bytes_max = draw.any_of<size_t>({1, 7, 100, 1500});
  if (draw.one_in(3)) path.capacity = draw.any_of<size_t>({16'384, 65'536});
}

loop::Task<void> Faults::reset_later(net::WireHandle wire, Duration after, ClientLink* link) {
  co_await loop::sleep_for(loop_, after);
  trace_.say("fault: reset of {} connection", link ? "a client's" : "an upstream's");
  if (link) {
    link->broken_by_fault = true;
  } else {
    ledger_.upstream_trouble(recovery);
  }
  wire->reset();
}

// The gateway learns of it by a ping, as soon as it has something to ask there.
loop::Task<void> Faults::fall_silent_later(net::WireHandle wire, Duration after) {
  co_await loop::sleep_for(loop_, after);
  trace_.say("fault: an upstream's connection falls silent");
  ledger_.upstream_trouble(std::chrono::hours(1));
  for (;;) {
    wire->forth.stall();
    wire->back.stall();
    // A shorter stall of the same wire may have been over meanwhile.
    co_await loop::sleep_for(loop_, milliseconds(100));
  }
}

loop::Task<void> Faults::stall_later(net::WireHandle wire, Duration after, Duration length,
                                     bool forth) {
  co_await loop::sleep_for(loop_, after);
  trace_.say("fault: a stall of {} us", length.count() / 1000);
  net::MemoryPath& path = forth ? wire->forth : wire->back;
  path.stall();
  co_await loop::sleep_for(loop_, length);
  path.resume();
}

loop::Task<void> Faults::interrupt(const net::Address& upstream, Draw draw) {
  for (;;) {
    co_await loop::sleep_for(loop_, draw.time(Duration(0), milliseconds(3000)));
    const Duration length = draw.time(milliseconds(1), milliseconds(2000));
    const bool silent = draw.one_in(2);
    trace_.say("fault: {} {} connections for {} us", upstream.text(),
               silent ? "swallows" : "refuses", length.count() / 1000);
    ledger_.upstream_trouble(length + recovery);
    silent ? network_.swallow(upstream) : network_.refuse(upstream);
    co_await loop::sleep_for(loop_, length);
    network_.accept_again(upstream);
  }
}

}  // namespace parley::simulation
