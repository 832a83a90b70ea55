#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "edge/log_sink.h"
#include "gateway/client_counts.h"
#include "gateway/listener_sockets.h"
#include "gateway/memory_relief.h"
#include "gateway/notices.h"
#include "gateway/request_path.h"
#include "gateway/settings.h"
#include "gateway/status.h"
#include "gateway/tls_keeper.h"
#include "http/server.h"
#include "loop/loop.h"
#include "loop/task_set.h"
#include "net/network.h"

namespace parley::gateway {

// A listener as its shards open it.
struct ListenerPlan {
  std::shared_ptr<const OpenListener> open;
  ListenerSettings settings;
  edge::HostSettings admin_hosts;
  net::TlsServerContext tls;  // for connections from now on; an empty context: no TLS
};

// What a shard runs on: a loop and its clock, the network, names, and where log lines go. All but
// the log are borrowed for the shard's life.
struct Surroundings {
  loop::Loop& loop;
  net::Network& network;
  net::Resolver& resolver;
  std::unique_ptr<edge::LogOutput> log;
  std::function<void()> drained;  // called on the loop when a drain is over
};

// One thread that serves: its own loop, listening sockets, connections and upstream pools. What is
// not marked "any thread" is called before start() or from the shard's own thread.
//
//   start → (listen | publish)* → begin_accepting → (listen | publish)* → drain → join
class Shard {
 public:
  // `index`: which of the `shards` this one is.
  Shard(std::shared_ptr<const Settings> settings, Status& status, ClientCounts& clients,
        Notices& notices, uint64_t seed, size_t index, size_t shards);
  // The only shard, without a thread, on somebody else's loop: for simulations. It is destroyed
  // from outside of the loop.
  Shard(std::shared_ptr<const Settings> settings, Status& status, ClientCounts& clients,
        Notices& notices, Surroundings surroundings);
  ~Shard();

  void start();
  // Any thread: listens as these say and no more, on its part of the sockets. A listener that was
  // planned before goes on, with its new certificates; what is not planned again, or serves
  // something else now, ends as in a drain.
  void listen(std::vector<ListenerPlan> plans);
  void begin_accepting();  // any thread
  // Any thread. `tls`: for the upstreams of this snapshot.
  void publish(std::shared_ptr<const Snapshot> snapshot, const TlsContexts& tls);
  void publish(std::shared_ptr<const HealthReport> report);  // any thread
  // Any thread: after the delay, stops accepting, lets what runs finish, then ends the thread. What
  // is left after the drain_timeout is told that it ends here. The admin listener goes on, to tell
  // of this, until end_admin().
  void drain(Duration delay);
  void end_admin();  // any thread
  void join();       // any thread but the shard's

  const observe::Metrics& metrics() const { return metrics_; }

 private:
  struct Machine;
  Shard(std::shared_ptr<const Settings> settings, Status& status, ClientCounts& clients,
        Notices& notices, Surroundings surroundings, size_t index, size_t shards);
  Shard(std::shared_ptr<const Settings> settings, Status& status, ClientCounts& clients,
        Notices& notices, std::unique_ptr<Machine> machine, size_t index, size_t shards);
  void end();

  // One listener, what its requests pass, and its connections.
  struct Entrance {
    Entrance(Shard& shard, ListenerPlan from);
    // Whether HTTP begins with the first byte.
    bool plain() const {
      return plan.settings.tls.certificates.empty() && plan.settings.proxy_from.empty();
    }
    ListenerPlan plan;
    std::vector<std::unique_ptr<net::Listener>> listeners;
    const bool limited;  // operators get in when clients have taken every place
    RequestPath path;
    http::Drain drain;
    http::ServerContext context;
    loop::Curfew greetings;  // of PROXY headers and handshakes
    uint64_t accepted = 0;
    uint64_t pauses_told = 0;  // of those that accepting made
    loop::TaskSet connections;
    loop::TaskSet turned_away;
    loop::TaskSet accepting;
  };

  void plan_entrances(std::vector<ListenerPlan> plans);
  std::unique_ptr<Entrance> open(ListenerPlan plan);
  void begin_accepting(Entrance& entrance);
  loop::Task<void> accept(Entrance& entrance, net::Listener& listener);
  loop::Task<void> serve_counted(ConnectionCount::Place place,
                                 std::unique_ptr<net::ByteStream> stream, Entrance& entrance);
  loop::Task<void> serve(std::unique_ptr<net::ByteStream> stream, Entrance& entrance);
  loop::Task<void> serve_prepared(std::unique_ptr<net::ByteStream> stream, Entrance& entrance);
  loop::Task<std::unique_ptr<net::ByteStream>> take_proxy_header(
      std::unique_ptr<net::ByteStream> stream, Entrance& entrance);
  loop::Task<std::unique_ptr<net::ByteStream>> secure_stream(
      std::unique_ptr<net::ByteStream> stream, Entrance& entrance);
  void tell(Notices::Kind kind, const Entrance& entrance, const net::Address& peer,
            const Failure& failure);
  bool counts_addresses(const Entrance& entrance) const;
  void turn_away(std::unique_ptr<net::ByteStream> stream, Entrance& entrance,
                 std::string_view limit, bool http_is_next);
  bool refuse(std::unique_ptr<net::ByteStream>& stream, Entrance& entrance, Failure failure);
  loop::Task<void> keep_gauges();
  void look_for_shortage(Entrance& entrance);
  loop::Task<void> retire(Entrance& entrance);
  loop::Task<void> stop_accepting(Entrance& entrance);
  loop::Task<void> wait_for_connections(const Entrance& entrance, Instant end);
  loop::Task<void> finish(Duration delay);
  std::vector<ListenerPlan> admin_plans() const;
  size_t connections() const;
  void apply(std::shared_ptr<const Settings> settings);

  std::unique_ptr<Machine> machine_;  // null: the surroundings are somebody else's
  const size_t index_;
  const size_t shards_;
  std::shared_ptr<const Settings> settings_;
  // What connections borrow. A reload changes it under them: a limit or timeout holds at once; what
  // an HTTP/2 client has been told by SETTINGS stays until its connection ends.
  http::Settings http_;
  const http::Settings operators_http_;  // the defaults, whatever is set for clients
  ClientCounts& clients_;
  Notices& notices_;
  loop::Loop& loop_;
  net::Network& network_;
  net::Resolver& resolver_;
  const std::function<void()> drained_;
  observe::Metrics metrics_;
  edge::LogSink log_;
  Shelf shelf_;
  std::shared_ptr<const Snapshot> snapshot_;
  bool accepting_ = false;
  bool admin_over_ = false;  // the admin listener need not tell of the drain any more
  loop::Signal admin_ended_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
  std::vector<std::unique_ptr<Entrance>> retired_;  // no longer planned; their connections end
  uint64_t metadata_dropped_before_ = 0;            // by entrances that are gone
  loop::TaskSet retiring_;
  loop::TaskSet chores_;
  MemoryRelief relief_;
  std::thread thread_;
};

}  // namespace parley::gateway
