#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "edge/log_sink.h"
#include "gateway/address_counts.h"
#include "gateway/listener_sockets.h"
#include "gateway/memory_relief.h"
#include "gateway/request_path.h"
#include "gateway/settings.h"
#include "gateway/status.h"
#include "gateway/tls_keeper.h"
#include "http/server.h"
#include "loop/loop.h"
#include "loop/task_set.h"
#include "net/network.h"

namespace parley::gateway {

// One thread that serves: its own loop, listening sockets, connections and upstream pools. What is
// not marked "any thread" is called before start() or from the shard's own thread.
//
//   listen* → start → begin_accepting → (publish | drain)* → join
class Shard {
 public:
  Shard(const Settings& settings, Status& status, AddressCounts& addresses, uint64_t seed);
  ~Shard();

  // Shares the sockets of a listener: those that are for shard `index`.
  Result<void> listen(const OpenListener& open, size_t index, const ListenerSettings& settings);

  void start();
  void begin_accepting();                                    // any thread
  void publish(std::shared_ptr<const Snapshot> snapshot);    // any thread
  void publish(std::shared_ptr<const HealthReport> report);  // any thread
  // Any thread: for handshakes from now on; connections that are there stay.
  void publish(const TlsContexts& tls);
  // Any thread: stops accepting, lets what runs finish, then ends the thread. What is left after
  // `timeout` is told that it ends here.
  struct DrainTimes {
    Duration timeout;
    Duration idle;  // of HTTP/1.1 connections
  };
  void drain(DrainTimes times);
  void join();  // any thread but the shard's

 private:
  struct Entrance {
    Entrance(Shard& shard, const net::Address& address, ListenerSettings its);
    // Whether HTTP begins with the first byte.
    bool plain() const { return settings.tls.certificates.empty() && settings.proxy_from.empty(); }
    const ListenerSettings settings;
    std::vector<std::unique_ptr<net::Listener>> listeners;
    const bool limited;  // operators get in when clients have taken every place
    RequestPath path;
    http::ServerContext context;
    net::TlsServerContext tls;  // what the next handshake uses
  };

  loop::Task<void> accept(Entrance& entrance, net::Listener& listener);
  loop::Task<void> serve(std::unique_ptr<net::ByteStream> stream, Entrance& entrance);
  loop::Task<void> serve_prepared(std::unique_ptr<net::ByteStream> stream, Entrance& entrance);
  loop::Task<std::unique_ptr<net::ByteStream>> prepare(std::unique_ptr<net::ByteStream> stream,
                                                       const Entrance& entrance);
  loop::Task<void> serve_counted(std::unique_ptr<net::ByteStream> stream, Entrance& entrance,
                                 AddressCounts::Place place);
  void turn_away(std::unique_ptr<net::ByteStream> stream, Entrance& entrance,
                 std::string_view limit);
  loop::Task<void> keep_gauges();
  loop::Task<void> finish(DrainTimes times);
  loop::Task<void> stop_accepting();
  loop::Task<void> wait_for_connections(Duration limit);

  const Settings& settings_;
  AddressCounts& addresses_;
  SystemClock clock_;
  std::unique_ptr<loop::Poller> poller_;
  loop::Loop loop_;
  std::unique_ptr<net::Network> network_;
  std::unique_ptr<net::Resolver> resolver_;
  observe::Metrics metrics_;
  std::unique_ptr<edge::LogSink> log_;
  http::Drain drain_;
  Shelf shelf_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
  uint64_t accepted_ = 0;
  loop::TaskSet connections_;
  loop::TaskSet turned_away_;
  loop::TaskSet accepting_;
  loop::TaskSet chores_;
  MemoryRelief relief_;
  std::thread thread_;
};

}  // namespace parley::gateway
