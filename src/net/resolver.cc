#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ares.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/select.h>

#include "base/ascii.h"
#include "base/assert.h"
#include "net/network.h"

namespace parley::net {
namespace {

constexpr int kRoundsPerTurn = 64;  // calls for one socket, before others get their turn
constexpr size_t kNameMax = 253;    // bytes, without the final dot (RFC 1035, 2.3.4)

// Whether `host` is "localhost" or below it, with or without the final dot.
bool is_localhost(std::string_view host) {
  constexpr std::string_view kName = "localhost";
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() < kName.size()) return false;
  const size_t before = host.size() - kName.size();
  return ascii_equal(host.substr(before), kName) && (before == 0 || host[before - 1] == '.');
}

std::string_view cause_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND: return "the name does not exist";
    case ARES_ENODATA: return "the name has no addresses";
    case ARES_EBADNAME: return "this is not a host name";
    case ARES_ETIMEOUT: return "no DNS server answered in time";
    // Also when each of them failed, or refused the question.
    case ARES_ECONNREFUSED: return "no DNS server could answer";
    case ARES_ESERVFAIL: return "the DNS server failed";
    case ARES_EREFUSED: return "the DNS server refused the question";
    case ARES_EFORMERR:
    case ARES_EBADRESP: return "the DNS server's answer is malformed";
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION: return "the look-up was given up";
    default: return ares_strerror(status);
  }
}

Failure resolve_failure(std::string_view host, int status) {
  Failure failure(Code::Unavailable,
                  fmt::format("cannot resolve \"{}\": {}", host, cause_of(status)));
  failure.with_detail(ares_strerror(status));
  return failure;
}

// c-ares on the loop. Its callbacks only record: a query's result is taken by the coroutine that
// asked, which resumes through the query's signal; sockets come and go in `sockets_`. c-ares is
// entered from events, timers and the end of a turn, never from its own callbacks.
class AresResolver final : public Resolver, private loop::Flusher, private loop::Timer {
 public:
  AresResolver(loop::Loop& loop, const ResolverOptions& options) : loop_(loop), options_(options) {}
  ~AresResolver() override;

  loop::Task<Result<std::vector<Address>>> resolve(std::string host, uint16_t port) override;

 private:
  struct Query {
    Query(loop::Loop& loop, uint16_t on) : port(on), finished(loop) {}
    const uint16_t port;
    loop::Signal finished;
    bool done = false;
    bool abandoned = false;  // nobody waits: the callback deletes it
    int status = ARES_SUCCESS;
    std::vector<Address> addresses;
  };
  // Held by the coroutine that asks: its end, or its cancellation, ends the query. c-ares cannot
  // forget a single query, so one that still runs lives on, unattended.
  class Asking {
   public:
    explicit Asking(std::unique_ptr<Query> query) : query_(query.release()) {}
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    ~Asking() {
      if (query_->done) {
        delete query_;
      } else {
        query_->abandoned = true;
      }
    }
    Query* operator->() const { return query_; }
    Query* get() const { return query_; }

   private:
    Query* query_;
  };
  // A socket of c-ares on the poller.
  struct Socket final : loop::Watcher {
    explicit Socket(AresResolver& of) : resolver(of) {}
    void ready(bool, bool) override { resolver.loop_.flush_later(resolver); }
    AresResolver& resolver;
    bool reading = false;
    bool writing = false;
  };

  static void record_socket(void* self, ares_socket_t descriptor, int reading, int writing);
  static void record_result(void* query, int status, int timeouts, ares_addrinfo* result);
  int open_channel();
  void flush() override;
  void fire() override;
  bool process_ready();
  void set_timer();

  loop::Loop& loop_;
  const ResolverOptions options_;
  ares_channel channel_ = nullptr;  // from the first look-up on
  std::map<ares_socket_t, std::unique_ptr<Socket>> sockets_;
};

// The library's global state, which is never given back: other parts of the process may use it.
int init_library() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

std::string server_list(const std::vector<Address>& servers) {
  std::string list;
  for (const Address& server : servers) {
    if (!list.empty()) list += ',';
    list += server.text();
  }
  return list;
}

// Reads resolv.conf and what belongs to it: not before a name is looked up, many gateways never do.
int AresResolver::open_channel() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  ares_options settings{};
  settings.timeout = static_cast<int>(duration_cast<milliseconds>(options_.timeout).count());
  settings.tries = options_.tries;
  settings.sock_state_cb = record_socket;
  settings.sock_state_cb_data = this;
  if (const int status = init_library(); status != ARES_SUCCESS) return status;
  ares_channel channel = nullptr;
  int status = ares_init_options(&channel, &settings,
                                 ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) return status;
  if (!options_.servers.empty())
    status = ares_set_servers_ports_csv(channel, server_list(options_.servers).c_str());
  if (status != ARES_SUCCESS) {
    ares_destroy(channel);
    return status;
  }
  channel_ = channel;
  return ARES_SUCCESS;
}

AresResolver::~AresResolver() {
  if (channel_) ares_destroy(channel_);
  PARLEY_ASSERT(sockets_.empty());
}

loop::Task<Result<std::vector<Address>>> AresResolver::resolve(std::string host, uint16_t port) {
  if (const auto literal = Address::from_literal(host, port)) co_return std::vector{*literal};
  if (is_localhost(host)) {
    co_return std::vector{*Address::from_literal("127.0.0.1", port),
                          *Address::from_literal("::1", port)};
  }
  const bool too_long = host.size() > kNameMax + (host.ends_with('.') ? 1 : 0);
  if (host.empty() || too_long || host.find('\0') != std::string::npos)
    co_return resolve_failure(host, ARES_EBADNAME);
  if (!channel_) {
    if (const int status = open_channel(); status != ARES_SUCCESS)
      co_return resolve_failure(host, status);
  }

  Asking query(std::make_unique<Query>(loop_, port));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, record_result, query.get());
  loop_.flush_later(*this);
  while (!query->done) co_await query->finished.wait();
  if (query->status != ARES_SUCCESS) co_return resolve_failure(host, query->status);
  if (query->addresses.empty()) co_return resolve_failure(host, ARES_ENODATA);
  co_return std::move(query->addresses);
}

void AresResolver::record_result(void* argument, int status, int, ares_addrinfo* result) {
  auto* query = static_cast<Query*>(argument);
  if (query->abandoned) {
    delete query;
  } else {
    query->done = true;
    query->status = status;
    for (auto* node = result ? result->nodes : nullptr; node; node = node->ai_next) {
      Address address(node->ai_addr, static_cast<socklen_t>(node->ai_addrlen));
      if (address.family() == AF_UNSPEC) continue;
      address.set_port(query->port);
      query->addresses.push_back(address);
    }
    query->finished.notify();
  }
  if (result) ares_freeaddrinfo(result);
}

void AresResolver::record_socket(void* argument, ares_socket_t descriptor, int reading,
                                 int writing) {
  auto& self = *static_cast<AresResolver*>(argument);
  std::unique_ptr<Socket>& socket = self.sockets_[descriptor];
  if (reading == 0 && writing == 0) {  // about to be closed
    if (socket) {
      self.loop_.poller().remove(descriptor, *socket);
      self.loop_.destroy_later(std::move(socket));
    }
    self.sockets_.erase(descriptor);
    return;
  }
  if (!socket) {
    socket = std::make_unique<Socket>(self);
    self.loop_.poller().add(descriptor, *socket);
  }
  socket->reading = reading != 0;
  socket->writing = writing != 0;
  // What it begins to want may be there already: then no further event tells of it.
  self.loop_.flush_later(self);
}

// c-ares reads a TCP answer in parts, one for each call, and expects to be called again as long as
// there is more: so the sockets are asked, whatever the edge-triggered poller told.
void AresResolver::flush() {
  for (int round = 0; process_ready(); ++round) {
    if (round < kRoundsPerTurn) continue;
    loop_.flush_later(*this);
    break;
  }
  set_timer();
}

// Lets c-ares read and write where that does not block; whether there was such a socket.
bool AresResolver::process_ready() {
  std::vector<pollfd> polled;
  for (const auto& [descriptor, socket] : sockets_) {
    const int events = (socket->reading ? POLLIN : 0) | (socket->writing ? POLLOUT : 0);
    polled.push_back({.fd = descriptor, .events = static_cast<short>(events), .revents = 0});
  }
  if (polled.empty() || ::poll(polled.data(), polled.size(), 0) <= 0) return false;
  for (const pollfd& one : polled) {
    // An earlier one's answer may have closed it.
    if (one.revents == 0 || !sockets_.contains(one.fd)) continue;
    const bool writable = (one.revents & POLLOUT) != 0;
    const bool readable = (one.revents & ~POLLOUT) != 0;
    ares_process_fd(channel_, readable ? one.fd : ARES_SOCKET_BAD,
                    writable ? one.fd : ARES_SOCKET_BAD);
  }
  return true;
}

void AresResolver::fire() {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  loop_.flush_later(*this);
}

void AresResolver::set_timer() {
  loop::Timer& timer = *this;
  timer.unlink();
  timeval left{};
  if (!ares_timeout(channel_, nullptr, &left)) return;
  const Duration duration =
      std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  loop_.add_timer(timer, deadline_after(loop_.now(), duration));
}

}  // namespace

std::unique_ptr<Resolver> make_resolver(loop::Loop& loop, const ResolverOptions& options) {
  return std::make_unique<AresResolver>(loop, options);
}

}  // namespace parley::net
