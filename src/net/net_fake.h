#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/network.h"

namespace parley::net {

class MemoryStream;

// One direction of a connection in memory, and what is made to go wrong on it.
class MemoryPath final : public loop::Timer {
 public:
  explicit MemoryPath(loop::Loop& loop) : loop_(loop) {}

  size_t read_bytes_max = SIZE_MAX;  // the largest chunk that a read gives: 1 cuts everything apart
  size_t capacity = 256 * 1024;  // bytes that the "kernel" holds; the rest is the writer's unsent
  Duration delay{};              // between leaving and arriving

  // Nothing arrives until `resume`; up to `capacity` bytes wait.
  void stall();
  void resume();

  // Every byte that left on this path since `logging`, for assertions about framing.
  bool logging = false;
  const std::string& log() const { return log_; }

 private:
  friend class MemoryStream;
  friend struct MemoryWire;
  enum class End : uint8_t { None, Fin, Reset };
  struct Segment {
    std::string bytes;
    size_t read = 0;  // of them
    Instant arrives;
    End end = End::None;
  };
  void fire() override;
  size_t room() const { return held_ < capacity ? capacity - held_ : 0; }
  void push(std::string bytes, End end);
  bool arrived() const;
  void tell_reader();

  loop::Loop& loop_;
  std::deque<Segment> segments_;
  size_t held_ = 0;
  bool stalled_ = false;
  std::string log_;
  MemoryStream* writer_ = nullptr;  // null: destroyed
  MemoryStream* reader_ = nullptr;
};

// Both directions of a connection. The test may keep it longer than the streams.
struct MemoryWire {
  explicit MemoryWire(loop::Loop& loop) : forth(loop), back(loop) {}
  MemoryPath forth;  // first → second, client → server
  MemoryPath back;

  // Both sides see "connection reset by peer", as when a machine between them dies.
  void reset();
};

// A test and two streams share it, and any of them may be the last.
using WireHandle = std::shared_ptr<MemoryWire>;  // tidy: allow shared_ptr: tests only, see above
WireHandle make_wire(loop::Loop& loop);

using StreamPair = std::pair<std::unique_ptr<ByteStream>, std::unique_ptr<ByteStream>>;

// Two connected streams; `wire` (if given) controls what lies between.
//
//   auto [ours, theirs] = memory_pair(fake.loop);
StreamPair memory_pair(loop::Loop& loop, WireHandle wire = {});

// The far end of a connection, in a test's hand: it reads all that comes and keeps it.
//
//   MemoryPeer client(std::move(theirs));
//   client.send("GET / HTTP/1.1\r\n\r\n");
//   fake.loop.run_until_idle();
//   EXPECT_EQ(client.received(), "HTTP/1.1 400 ...");
class MemoryPeer {
 public:
  explicit MemoryPeer(std::unique_ptr<ByteStream> stream);

  void send(std::string_view bytes) { stream_->write(Bytes::copy(bytes)); }
  void end() { stream_->shutdown(); }  // FIN: we have said everything, and still read
  void reset() { stream_->abort(); }   // RST
  void close() { tasks_.cancel_all(), stream_.reset(); }
  void pause();  // stops reading: the other side's unsent() grows
  void resume();

  const std::string& received() const { return received_; }
  std::string take_received() { return std::exchange(received_, {}); }
  bool ended() const { return ended_; }    // the other side has sent FIN
  bool broken() const { return broken_; }  // the other side has sent RST
  bool closed() const { return ended_ || broken_; }
  ByteStream& stream() { return *stream_; }

 private:
  loop::Task<void> run();

  std::unique_ptr<ByteStream> stream_;
  std::string received_;
  bool ended_ = false;
  bool broken_ = false;
  bool paused_ = false;
  loop::TaskSet tasks_;
};

class MemoryListener;

// A network in memory, on one loop. It outlives its listeners.
class MemoryNetwork final : public Network {
 public:
  explicit MemoryNetwork(loop::Loop& loop) : loop_(loop) {}

  Result<std::unique_ptr<Listener>> listen(const Address& address,
                                           const ListenOptions& options) override;
  loop::Task<Result<std::unique_ptr<ByteStream>>> connect(Address address) override;

  // As a client of a test, without waiting. REQUIRES: somebody listens on `address`.
  MemoryPeer dial(const Address& address);

  // From now on, until `accept_again`: connecting fails at once, or never ends.
  void refuse(const Address& address) { refused_.insert(address.text()); }
  void swallow(const Address& address) { swallowed_.insert(address.text()); }
  void accept_again(const Address& address);
  bool listening(const Address& address) const { return listeners_.contains(address.text()); }

  Duration connect_delay{};
  size_t connects = 0;  // attempts so far
  // Of every connection that was made, in order.
  std::vector<WireHandle> wires;
  // Told of each, before its first byte; may be empty.
  std::function<void(const WireHandle&, const Address& client, const Address& server)> opened;

 private:
  friend class MemoryListener;
  std::unique_ptr<ByteStream> open(MemoryListener& listener);

  loop::Loop& loop_;
  std::map<std::string, MemoryListener*> listeners_;
  std::set<std::string> refused_;
  std::set<std::string> swallowed_;
  uint16_t next_port_ = 20000;
};

// Names from a table, for tests.
class MemoryResolver final : public Resolver {
 public:
  std::map<std::string, std::vector<Address>> names;  // the port is replaced by the one asked for
  size_t lookups = 0;
  loop::Task<Result<std::vector<Address>>> resolve(std::string host, uint16_t port) override;
};

}  // namespace parley::net
