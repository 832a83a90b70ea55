#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "gateway/listener_sockets.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "net/tls_tickets.h"

// How a process hands its listening sockets to the one that takes its place, over a Unix socket of
// packets (SOCK_SEQPACKET) that both know by `upgrade_socket`:
//
//   new → old   parley-upgrade 1
//   old → new   socket NAME        a descriptor with it (SCM_RIGHTS); for each listening socket,
//   and
//                                  for the upgrade socket itself, whose NAME is empty. `file`
//                                  instead of `socket`: its process removes the socket's file
//   old → new   tickets ADDRESS    and behind a zero the keys that seal the session tickets of the
//                                  listener; for each that has some
//   old → new   end PID            of the old process
//   new → old   ready              it has its contracts and accepts
//   old → new   leaving            it drains
//
// If the new process ends before it is ready, the old one goes on as if nothing had happened.
namespace parley::gateway {

// The process that this one takes over from.
class Predecessor {
 public:
  // Asks whoever listens at `path` for the sockets; null: nobody does. Waits, at most `limit` for
  // each packet. Failures say what went wrong, and that the other process goes on.
  static Result<std::unique_ptr<Predecessor>> meet(const std::string& path, Duration limit);

  std::vector<GivenSocket> take_sockets() { return std::move(sockets_); }
  net::ListeningSocket take_upgrade_socket() { return std::move(upgrade_socket_); }
  const std::vector<net::ListenerTickets>& tickets() const { return tickets_; }
  pid_t pid() const { return pid_; }

  // This process serves: the other one may leave, and its files are ours. False: it has gone
  // without a word.
  bool relieve();

 private:
  explicit Predecessor(net::Descriptor connection) : connection_(std::move(connection)) {}
  Result<void> receive();
  void take_tickets(std::string_view packet);

  const net::Descriptor connection_;
  pid_t pid_ = 0;
  std::vector<GivenSocket> sockets_;
  net::ListeningSocket upgrade_socket_;
  std::vector<net::ListenerTickets> tickets_;
};

// Waits for the process that takes over from this one. On the control thread.
class Succession {
 public:
  struct Events {
    std::function<const std::vector<std::shared_ptr<OpenListener>>&()> sockets;
    std::function<std::vector<net::ListenerTickets>()> tickets;
    std::function<void(const std::string& line)> say;
  };
  // `limit`: how long a new process may take until it is ready.
  Succession(loop::Loop& loop, net::ListeningSocket socket, Duration limit, Events events);

  // The process that had the socket has gone: its file is ours.
  void take_file() { socket_.file = net::SocketFile(socket_.address); }
  // Serves new processes, one after the other, until one of them is ready: gives its process id.
  // From then on the socket's file is no longer this process's.
  loop::Task<pid_t> succeeded();

 private:
  Result<void> hand_over(int connection) const;
  loop::Task<Result<void>> ready(int connection);

  loop::Loop& loop_;
  net::ListeningSocket socket_;
  const Duration limit_;
  const Events events_;
};

// The socket at `path` for those who will take over: for its owner's eyes only (mode 0600). The
// file of a process that is gone is replaced.
Result<net::ListeningSocket> open_upgrade_socket(const std::string& path);

}  // namespace parley::gateway
