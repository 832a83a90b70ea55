#include "net/net_fake.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "net/net_failure.h"

namespace parley::net {

// One end of a wire. Written bytes leave at the end of the turn, as far as the path has room.
class MemoryStream final : public ByteStream, public loop::Flusher {
 public:
  MemoryStream(WireHandle wire, bool first, Address local, Address peer)
      : ByteStream(first ? wire->forth.loop_ : wire->back.loop_),
        wire_(std::move(wire)),
        out_(first ? wire_->forth : wire_->back),
        in_(first ? wire_->back : wire_->forth),
        local_(local),
        peer_(peer) {
    out_.writer_ = this;
    in_.reader_ = this;
  }
  // As sockets do: what is queued leaves, then FIN; but RST when we have not read everything, or
  // the path does not take the whole queue.
  ~MemoryStream() override {
    out_.writer_ = nullptr;
    in_.reader_ = nullptr;
    if (broken_) return;
    move_out();
    if ((!in_.segments_.empty() && in_.held_ > 0) || !queue_.empty()) {
      out_.push({}, MemoryPath::End::Reset);
    } else if (!fin_sent_) {
      out_.push({}, MemoryPath::End::Fin);
    }
  }

  Result<std::optional<Bytes>> try_read() override {
    if (!in_.arrived()) {
      if (broken_) return broken_failure(ECONNRESET);
      return std::optional<Bytes>();
    }
    MemoryPath::Segment& segment = in_.segments_.front();
    if (segment.read < segment.bytes.size()) return std::optional(take(segment));
    if (segment.end == MemoryPath::End::Fin) return std::optional(Bytes());
    fail();
    return broken_failure(ECONNRESET);
  }

  void write(Bytes bytes) override {
    if (broken_ || shut_ || bytes.empty()) return;
    queue_.append(bytes.view());
    loop().flush_later(*this);
  }
  size_t unsent() const override { return queue_.size(); }
  void flush() override {
    if (broken_) return;
    if (!out_.reader_) return take_reset();
    const size_t before = queue_.size();
    move_out();
    if (shut_ && queue_.empty() && !fin_sent_) {
      fin_sent_ = true;
      out_.push({}, MemoryPath::End::Fin);
    }
    if (queue_.size() < before && queue_.size() < kLowWater) writable_.notify();
  }
  void shutdown() override {
    if (std::exchange(shut_, true) || broken_) return;
    loop().flush_later(*this);
  }
  void abort() override {
    if (broken_) return;
    wire_->reset();
  }
  bool broken() const override { return broken_; }
  const Address& peer() const override { return peer_; }
  const Address& local() const override { return local_; }
  const TlsInfo& tls() const override { return tls_; }

  void fail() {
    broken_ = true;
    queue_.clear();
    readable_.notify();
    writable_.notify();
  }
  void tell_readable() { readable_.notify(); }

 private:
  // The peer is gone and answers with RST, which comes behind what it had sent before.
  void take_reset() {
    if (in_.segments_.empty() || in_.arrived()) return fail();
    queue_.clear();
    shut_ = fin_sent_ = true;
    in_.push({}, MemoryPath::End::Reset);
  }
  Bytes take(MemoryPath::Segment& segment) {
    const size_t limit = std::min(in_.read_bytes_max, loop::ReadBuffer::kCapacity);
    const size_t size = std::min(segment.bytes.size() - segment.read, std::max<size_t>(1, limit));
    std::memcpy(loop().read_buffer().space(), segment.bytes.data() + segment.read, size);
    segment.read += size;
    in_.held_ -= size;
    if (segment.read == segment.bytes.size()) in_.segments_.pop_front();
    if (in_.writer_ && in_.writer_->unsent() > 0) loop().flush_later(*in_.writer_);
    return loop().read_buffer().take(size);
  }
  void move_out() {
    const size_t size = std::min(queue_.size(), out_.room());
    if (size == 0) return;
    out_.push(queue_.substr(0, size), MemoryPath::End::None);
    queue_.erase(0, size);
  }

  WireHandle wire_;
  MemoryPath& out_;
  MemoryPath& in_;
  std::string queue_;
  bool broken_ = false;
  bool shut_ = false;
  bool fin_sent_ = false;
  Address local_;
  Address peer_;
  TlsInfo tls_;
};

void MemoryPath::stall() { stalled_ = true; }

void MemoryPath::resume() {
  stalled_ = false;
  tell_reader();
}

bool MemoryPath::arrived() const {
  return !stalled_ && !segments_.empty() && segments_.front().arrives <= loop_.now();
}

void MemoryPath::push(std::string bytes, End end) {
  held_ += bytes.size();
  if (logging) log_ += bytes;
  const Instant arrives = loop_.now() + delay;
  segments_.push_back({.bytes = std::move(bytes), .arrives = arrives, .end = end});
  if (delay > Duration::zero()) {
    if (!linked()) loop_.add_timer(*this, arrives);
  } else {
    tell_reader();
  }
}

void MemoryPath::fire() {
  tell_reader();
  const auto later = std::find_if(segments_.begin(), segments_.end(),
                                  [&](const Segment& s) { return s.arrives > loop_.now(); });
  if (later != segments_.end()) loop_.add_timer(*this, later->arrives);
}

void MemoryPath::tell_reader() {
  if (reader_) reader_->tell_readable();
}

void MemoryWire::reset() {
  for (MemoryPath* path : {&forth, &back}) {
    path->segments_.clear();
    path->held_ = 0;
    if (path->reader_) path->reader_->fail();
  }
}

namespace {
StreamPair connected(const WireHandle& wire, Address client, Address server) {
  return {std::make_unique<MemoryStream>(wire, true, client, server),
          std::make_unique<MemoryStream>(wire, false, server, client)};
}
}  // namespace

WireHandle make_wire(loop::Loop& loop) { return WireHandle(new MemoryWire(loop)); }

StreamPair memory_pair(loop::Loop& loop, WireHandle wire) {
  if (!wire) wire = make_wire(loop);
  return connected(wire, Address::loopback(50000), Address::loopback(80));
}

MemoryPeer::MemoryPeer(std::unique_ptr<ByteStream> stream)
    : stream_(std::move(stream)), tasks_(stream_->loop()) {
  tasks_.spawn(run());
}

void MemoryPeer::pause() { paused_ = true; }

void MemoryPeer::resume() {
  paused_ = false;
  stream_->readable().notify();
}

loop::Task<void> MemoryPeer::run() {
  for (;;) {
    while (paused_) co_await stream_->readable().wait();
    Result<std::optional<Bytes>> chunk = stream_->try_read();
    if (!chunk) {
      broken_ = true;
      co_return;
    }
    if (!*chunk) {
      co_await stream_->readable().wait();
      continue;
    }
    received_ += (*chunk)->view();
    if ((*chunk)->empty()) break;
  }
  ended_ = true;
  while (!stream_->broken()) co_await stream_->readable().wait();
  broken_ = true;
}

// Hands out what `connect` queued.
class MemoryListener final : public Listener {
 public:
  MemoryListener(MemoryNetwork& network, Address address)
      : arrived(network.loop_), network_(network), address_(address) {}
  ~MemoryListener() override { network_.listeners_.erase(address_.text()); }

  loop::Task<Result<std::unique_ptr<ByteStream>>> accept() override {
    while (waiting.empty()) co_await arrived.wait();
    std::unique_ptr<ByteStream> stream = std::move(waiting.front());
    waiting.pop_front();
    co_return stream;
  }
  const Address& address() const override { return address_; }

  std::deque<std::unique_ptr<ByteStream>> waiting;
  loop::Signal arrived;

 private:
  MemoryNetwork& network_;
  Address address_;
};

Result<std::unique_ptr<Listener>> MemoryNetwork::listen(const Address& address,
                                                        const ListenOptions&) {
  Address chosen = address;
  if (!address.is_unix() && address.port() == 0) chosen.set_port(next_port_++);
  if (listeners_.contains(chosen.text())) return listen_failure(chosen.text(), EADDRINUSE);
  auto listener = std::make_unique<MemoryListener>(*this, chosen);
  listeners_.emplace(chosen.text(), listener.get());
  return listener;
}

loop::Task<Result<std::unique_ptr<ByteStream>>> MemoryNetwork::connect(Address address) {
  ++connects;
  const std::string name = address.text();
  if (connect_delay > Duration::zero()) co_await loop::sleep_for(loop_, connect_delay);
  loop::Signal never(loop_);
  while (swallowed_.contains(name)) co_await never.wait();
  const auto found = listeners_.find(name);
  if (refused_.contains(name) || found == listeners_.end())
    co_return connect_failure(name, ECONNREFUSED);
  co_return open(*found->second);
}

std::unique_ptr<ByteStream> MemoryNetwork::open(MemoryListener& listener) {
  auto wire = make_wire(loop_);
  wires.push_back(wire);
  const Address client = Address::loopback(next_port_++);
  if (opened) opened(wire, client, listener.address());
  StreamPair pair = connected(wire, client, listener.address());
  listener.waiting.push_back(std::move(pair.second));
  listener.arrived.notify();
  return std::move(pair.first);
}

MemoryPeer MemoryNetwork::dial(const Address& address) {
  const auto found = listeners_.find(address.text());
  PARLEY_ASSERT(found != listeners_.end());
  return MemoryPeer(open(*found->second));
}

void MemoryNetwork::accept_again(const Address& address) {
  refused_.erase(address.text());
  swallowed_.erase(address.text());
}

loop::Task<Result<std::vector<Address>>> MemoryResolver::resolve(std::string host, uint16_t port) {
  ++lookups;
  const auto found = names.find(host);
  if (found == names.end()) {
    co_return Failure(Code::Unavailable, fmt::format("no address is known for \"{}\"", host));
  }
  std::vector<Address> addresses = found->second;
  for (Address& address : addresses) address.set_port(port);
  co_return addresses;
}

}  // namespace parley::net
