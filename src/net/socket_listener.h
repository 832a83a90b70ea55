#pragma once

#include <memory>

#include "net/descriptor.h"
#include "net/listening_socket.h"
#include "net/network.h"

namespace parley::net {

// A listening socket. Accepts as long as connections wait, with a pause after every
// kAcceptedPerTurn, so that a burst of them does not keep the loop from those it has. When
// descriptors are short it looks again every kShortagePause, and connections wait in the queue, but
// for one that it may hold: that one has shown that there are none left for clients.
class SocketListener final : public Listener, private loop::Watcher, private loop::Flusher {
 public:
  static constexpr int kAcceptedPerTurn = 64;
  static constexpr Duration kShortagePause = std::chrono::milliseconds(100);

  // `descriptors_kept`: see ListenOptions.
  SocketListener(loop::Loop& loop, Descriptor descriptor, const Address& address, SocketFile file,
                 uint64_t descriptors_kept);
  ~SocketListener() override;

  loop::Task<Result<std::unique_ptr<ByteStream>>> accept() override;
  const Address& address() const override { return address_; }
  int descriptor() const override { return descriptor_.get(); }
  Shortage shortage() const override { return shortage_; }

 private:
  void ready(bool readable, bool writable) override;
  void flush() override;  // a new turn begins
  bool is_kept(const Descriptor& descriptor);
  loop::Task<void> pause(int error);

  loop::Loop& loop_;
  Descriptor descriptor_;
  Address address_;
  SocketFile file_;
  loop::Signal changed_;
  bool readable_now_ = false;  // told, and not accepted dry since
  int accepted_this_turn_ = 0;
  const uint64_t descriptors_kept_;
  uint64_t first_kept_ = 0;  // the lowest descriptor that is not for clients, when last looked
  Shortage shortage_;
};

}  // namespace parley::net
