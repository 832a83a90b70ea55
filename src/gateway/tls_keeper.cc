#include "gateway/tls_keeper.h"

#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

namespace parley::gateway {
namespace {

// Links are followed: a directory of links that is swapped as a whole changes what is behind them.
std::string print_of(const std::vector<std::string>& paths) {
  std::string print;
  for (const std::string& path : paths) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
      print += "none;";
      continue;
    }
    print += fmt::format("{} {} {} {}.{:09};", status.st_dev, status.st_ino, status.st_size,
                         status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
  return print;
}

contract::Problem problem_of(net::TlsProblem one) {
  contract::Problem problem;
  problem.severity =
      one.warning ? contract::Problem::Severity::Warning : contract::Problem::Severity::Error;
  problem.what = std::move(one.what);
  problem.remedy = std::move(one.remedy);
  return problem;
}

// The same with its owner, and its place in the settings.
contract::Problem problem_of(net::TlsProblem one, const std::string& name,
                             const FilePlaces& places) {
  const std::string path = one.path;
  contract::Problem problem = problem_of(std::move(one));
  problem.what = fmt::format("{}: {}", name, problem.what);
  return at_place(std::move(problem), path, places);
}

void add_path(std::vector<std::string>& paths, const std::string& path) {
  if (!path.empty()) paths.push_back(path);
}

std::vector<std::string> paths_of(const net::TlsServerSettings& tls) {
  std::vector<std::string> paths;
  for (const net::CertificateFiles& one : tls.certificates) {
    add_path(paths, one.cert);
    add_path(paths, one.key);
  }
  add_path(paths, tls.client_ca);
  return paths;
}

std::vector<std::string> paths_of(const net::TlsClientSettings& tls) {
  std::vector<std::string> paths;
  add_path(paths, tls.ca);
  add_path(paths, tls.cert);
  add_path(paths, tls.key);
  return paths;
}

}  // namespace

std::set<std::string> tls_files(const Settings& settings) {
  std::set<std::string> files;
  for (const ListenerSettings& listener : settings.listeners) {
    for (std::string& path : paths_of(listener.tls)) files.insert(std::move(path));
  }
  for (const UpstreamSettings& upstream : settings.upstreams) {
    for (std::string& path : paths_of(upstream.connection.tls)) files.insert(std::move(path));
  }
  return files;
}

std::vector<ShownCertificate> shown_certificates(const Settings& settings,
                                                 const TlsContexts& contexts) {
  std::vector<ShownCertificate> all;
  for (size_t i = 0; i < contexts.listeners.size(); ++i) {
    for (net::CertificateExpiry& one : contexts.listeners[i].expiries())
      all.push_back({"listener", settings.listeners[i].address, std::move(one)});
  }
  for (size_t i = 0; i < contexts.upstreams.size(); ++i) {
    for (net::CertificateExpiry& one : contexts.upstreams[i].expiries())
      all.push_back({"upstream", settings.upstreams[i].connection.name, std::move(one)});
  }
  return all;
}

TlsKeeper::TlsKeeper(loop::Loop& loop, const Settings& settings, TlsListener& listener)
    : loop_(loop), settings_(settings), listener_(listener), tasks_(loop) {
  contexts_.listeners.resize(settings.listeners.size());
  contexts_.upstreams.resize(settings.upstreams.size());
  for (size_t i = 0; i < settings.listeners.size(); ++i) watch_listener(i);
  for (size_t i = 0; i < settings.upstreams.size(); ++i) watch_upstream(i);
}

void TlsKeeper::watch_listener(size_t index) {
  const net::TlsServerSettings& tls = settings_.listeners[index].tls;
  if (tls.certificates.empty()) return;  // nor is OpenSSL set up, which takes milliseconds
  rotations_.push_back({index, net::TicketKeys::fresh(), kNever});
  const size_t rotation = rotations_.size() - 1;
  Watched watched;
  watched.name = "listener " + settings_.listeners[index].address;
  watched.paths = paths_of(tls);
  watched.places = &settings_.listeners[index].file_places;
  watched.load = [this, index, rotation, &tls](std::vector<net::TlsProblem>& problems) {
    auto loaded = net::TlsServerContext::load(tls, rotations_[rotation].keys, problems);
    if (loaded) contexts_.listeners[index] = *std::move(loaded);
    return loaded.has_value();
  };
  watched_.push_back(std::move(watched));
}

void TlsKeeper::watch_upstream(size_t index) {
  const upstream::Settings& upstream = settings_.upstreams[index].connection;
  if (!upstream.tls.enabled) return;
  Watched watched;
  watched.name = "upstream " + upstream.name;
  watched.paths = paths_of(upstream.tls);
  watched.places = &settings_.upstreams[index].file_places;
  watched.load = [this, index, &upstream](std::vector<net::TlsProblem>& problems) {
    auto loaded = net::TlsClientContext::load(upstream.tls, problems);
    if (loaded) contexts_.upstreams[index] = *std::move(loaded);
    return loaded.has_value();
  };
  watched_.push_back(std::move(watched));
}

void TlsKeeper::inherit(const std::vector<net::ListenerTickets>& before) {
  for (Rotation& rotation : rotations_) {
    const std::string& address = settings_.listeners[rotation.listener].address;
    for (const net::ListenerTickets& old : before) {
      if (old.address == address) rotation.keys = old.keys;
    }
  }
}

std::vector<net::ListenerTickets> TlsKeeper::tickets() const {
  std::vector<net::ListenerTickets> all;
  for (const Rotation& rotation : rotations_)
    all.push_back({settings_.listeners[rotation.listener].address, rotation.keys});
  return all;
}

bool TlsKeeper::load(Watched& watched, std::vector<net::TlsProblem>& problems) {
  // Before reading: what changes meanwhile shows at the next look.
  watched.loaded = watched.seen = print_of(watched.paths);
  return watched.load(problems);
}

std::vector<contract::Problem> TlsKeeper::load() {
  std::vector<contract::Problem> all;
  for (Watched& watched : watched_) {
    std::vector<net::TlsProblem> problems;
    load(watched, problems);
    for (net::TlsProblem& one : problems) {
      if (!one.warning) all.push_back(problem_of(std::move(one)));
    }
  }
  return all;
}

void TlsKeeper::start() {
  for (Rotation& rotation : rotations_) {
    const net::TlsServerSettings& tls = settings_.listeners[rotation.listener].tls;
    if (tls.ticket_lifetime > Duration::zero())
      rotation.due = deadline_after(loop_.now(), tls.ticket_lifetime / 2);
  }
  if (!watched_.empty()) tasks_.spawn(keep_watch());
}

// Whether there is something new to publish.
bool TlsKeeper::renew(Watched& watched) {
  std::vector<net::TlsProblem> problems;
  const bool loaded = load(watched, problems);
  watched.problem.clear();
  for (net::TlsProblem& one : problems) {
    const bool fatal = !one.warning;
    std::string text = problem_of(std::move(one), watched.name, *watched.places).text();
    listener_.tls_news(text);
    if (fatal && watched.problem.empty()) watched.problem = std::move(text);
  }
  listener_.tls_news(watched.name + (loaded ? ": its certificates were read again"
                                            : ": the certificates from before stay in use"));
  listener_.tls_read(loaded);
  return loaded;
}

void TlsKeeper::reload() {
  bool changed = false;
  for (Watched& watched : watched_) changed = renew(watched) || changed;
  if (changed) listener_.tls_changed(contexts_);
}

std::vector<std::string> TlsKeeper::problems() const {
  std::vector<std::string> all;
  for (const Watched& watched : watched_) {
    if (!watched.problem.empty()) all.push_back(watched.problem);
  }
  return all;
}

bool TlsKeeper::rotate() {
  bool rotated = false;
  for (Rotation& rotation : rotations_) {
    if (rotation.due > loop_.now()) continue;
    rotation.keys = rotation.keys.rotated();
    rotation.due =
        deadline_after(loop_.now(), settings_.listeners[rotation.listener].tls.ticket_lifetime / 2);
    net::TlsServerContext& context = contexts_.listeners[rotation.listener];
    context = context.with(rotation.keys);
    rotated = true;
  }
  return rotated;
}

loop::Task<void> TlsKeeper::keep_watch() {
  for (;;) {
    co_await loop::sleep_for(loop_, kInterval);
    bool changed = rotate();
    for (Watched& watched : watched_) {
      Print print = print_of(watched.paths);
      const bool settled = print == watched.seen;
      watched.seen = std::move(print);
      if (settled && watched.seen != watched.loaded) changed = renew(watched) || changed;
    }
    if (changed) listener_.tls_changed(contexts_);
  }
}

}  // namespace parley::gateway
