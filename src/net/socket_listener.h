#pragma once

#include <memory>

#include "net/descriptor.h"
#include "net/listening_socket.h"
#include "net/network.h"

namespace parley::net {

// A listening socket. Accepts as long as connections wait, with a pause after every
// kAcceptedPerTurn, so that a burst of them does not keep the loop from those it has.
class SocketListener final : public Listener, private loop::Watcher, private loop::Flusher {
 public:
  static constexpr int kAcceptedPerTurn = 64;
  static constexpr Duration kShortagePause = std::chrono::milliseconds(100);

  SocketListener(loop::Loop& loop, Descriptor descriptor, const Address& address, SocketFile file);
  ~SocketListener() override;

  loop::Task<Result<std::unique_ptr<ByteStream>>> accept() override;
  const Address& address() const override { return address_; }
  int descriptor() const override { return descriptor_.get(); }
  uint64_t shortages() const override { return shortages_; }

 private:
  void ready(bool readable, bool writable) override;
  void flush() override;  // a new turn begins

  loop::Loop& loop_;
  Descriptor descriptor_;
  Address address_;
  SocketFile file_;
  loop::Signal changed_;
  bool readable_now_ = false;  // told, and not accepted dry since
  int accepted_this_turn_ = 0;
  uint64_t shortages_ = 0;
};

}  // namespace parley::net
