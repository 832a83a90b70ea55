#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "contract/problem.h"
#include "gateway/settings.h"
#include "gateway/status.h"
#include "loop/loop.h"
#include "loop/task_set.h"
#include "net/tls_context.h"

namespace parley::gateway {

// What all handshakes use, in the order of the settings. A value: shards keep copies.
struct TlsContexts {
  std::vector<net::TlsServerContext> listeners;
  std::vector<net::TlsClientContext> upstreams;
};

// All files that the certificates, keys and authorities of these settings come from.
std::set<std::string> tls_files(const Settings& settings);

// All certificates that these contexts show.
std::vector<ShownCertificate> shown_certificates(const Settings& settings,
                                                 const TlsContexts& contexts);

// Whoever hands the contexts on, and tells people.
class TlsListener {
 public:
  virtual void tls_changed(const TlsContexts& contexts) = 0;
  virtual void tls_news(const std::string& text) = 0;  // one line
  // Files were read again, and all of them taken or not.
  virtual void tls_read(bool taken) = 0;

 protected:
  ~TlsListener() = default;
};

// Loads the certificates, again when their files have changed, and replaces the keys of tickets. A
// file that is being written is not read: only what has been the same for a while counts. What does
// not load is told once, and what was there before stays. On the control thread.
//
//   load → start → (reload)* → destroyed
class TlsKeeper {
 public:
  // How often the files are looked at.
  static constexpr Duration kInterval = std::chrono::seconds(1);

  // All are borrowed for the keeper's life.
  TlsKeeper(loop::Loop& loop, const Settings& settings, TlsListener& listener);

  // Before load(): what listeners at the same addresses have given out can still be resumed.
  void inherit(const std::vector<net::ListenerTickets>& before);
  // What another keeper, or another process, inherits.
  std::vector<net::ListenerTickets> tickets() const;
  // Errors: there are no contexts for some settings. Of what only deserves a warning the
  // configuration has spoken already.
  std::vector<contract::Problem> load();
  void start();
  // Reads every file now, changed or not, and publishes what loads.
  void reload();

  const TlsContexts& contexts() const { return contexts_; }
  // Of files that did not load when they were read again.
  std::vector<std::string> problems() const;

 private:
  // What stat(2) says of the files of one context: another text, other files.
  using Print = std::string;
  struct Watched {
    std::string name;  // for people: "listener 0.0.0.0:8443"
    std::vector<std::string> paths;
    const FilePlaces* places = nullptr;  // in the settings
    Print loaded;                        // of what was read last, well or not
    Print seen;                          // at the last look
    std::string problem;  // why it did not load when it was read again; empty: it did
    // Loads it into `contexts_`; false: it does not load.
    std::function<bool(std::vector<net::TlsProblem>&)> load;
  };
  struct Rotation {
    size_t listener = 0;
    net::TicketKeys keys;
    Instant due{};
  };

  void watch_listener(size_t index);
  void watch_upstream(size_t index);
  bool load(Watched& watched, std::vector<net::TlsProblem>& problems);
  bool renew(Watched& watched);
  bool rotate();
  loop::Task<void> keep_watch();

  loop::Loop& loop_;
  const Settings& settings_;
  TlsListener& listener_;
  TlsContexts contexts_;
  std::vector<Watched> watched_;
  std::vector<Rotation> rotations_;  // of listeners with certificates
  loop::TaskSet tasks_;
};

}  // namespace parley::gateway
