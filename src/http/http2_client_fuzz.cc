#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/assert.h"
#include "http/client.h"
#include "http/http2_fake.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/net_fake.h"

// Frames of an upstream into our connection to it. The first byte says in which pieces they arrive.
// Types from kFirstDeed on are no frames but what we do meanwhile. Whatever comes, every call ends
// when the connection has.
namespace {

using parley::http::ClientExchange;
using parley::http::FuzzStep;

constexpr uint8_t kFirstDeed = 0xF0;
constexpr size_t kCallsMax = 16;

class Scene {
 public:
  explicit Scene(size_t piece) {
    const auto wire = parley::net::make_wire(fake_.loop);
    wire->forth.read_bytes_max = piece;
    auto [theirs, ours] = parley::net::memory_pair(fake_.loop, wire);
    client_ = parley::http::make_h2_client(std::move(ours), settings_);
    peer_ = std::make_unique<parley::net::MemoryPeer>(std::move(theirs));
    peer_->send(parley::http::frame(4, 0, 0));
    fake_.loop.run_until_idle();
  }

  void play(const FuzzStep& step) {
    if (step.type < kFirstDeed) {
      peer_->send(parley::http::frame(step.type, step.flags, step.stream, step.payload));
      return;
    }
    switch (step.type % 8) {
      case 0: fake_.loop.run_until_idle(); break;
      case 1: fake_.advance(std::chrono::milliseconds(100) * step.flags); break;
      case 2: call(step.flags); break;
      case 3:
        if (!calls_.empty()) calls_[step.stream % calls_.size()]->abort();
        break;
      case 4: peer_->pause(); break;
      case 5: peer_->resume(); break;
      default: peer_->send(step.payload);  // no frame at all
    }
  }

  void end() {
    peer_->resume();
    fake_.loop.run_until_idle();
    peer_->close();
    fake_.loop.run_until_idle();
    PARLEY_ASSERT(!client_->alive());
    PARLEY_ASSERT(tasks_.empty());
    calls_.clear();
    PARLEY_ASSERT(client_->streams() == 0);
  }

 private:
  void call(size_t body_kib) {
    if (calls_.size() == kCallsMax || !client_->available()) return;
    parley::Fields head;
    head.add(parley::FieldId::PseudoMethod, "POST");
    head.add(parley::FieldId::PseudoScheme, "http");
    head.add(parley::FieldId::PseudoAuthority, "shop.test");
    head.add(parley::FieldId::PseudoPath, "/");
    calls_.push_back(client_->open(std::move(head), body_kib == 0));
    if (body_kib > 0) tasks_.spawn(send(*calls_.back(), body_kib));
    tasks_.spawn(read(*calls_.back()));
  }
  static parley::loop::Task<void> send(ClientExchange& call, size_t kib) {
    for (; kib > 0; --kib) {
      if (!co_await call.write(parley::Bytes::copy(std::string(1024, 'b')), kib == 1)) co_return;
    }
  }
  static parley::loop::Task<void> read(ClientExchange& call) {
    if (!co_await call.head()) co_return;
    for (;;) {
      const auto chunk = co_await call.read();
      if (!chunk || chunk->empty()) co_return;
    }
  }

  parley::loop::FakeLoop fake_;
  parley::http::ClientSettings settings_{.header_bytes_max = 1024,
                                         .header_count_max = 16,
                                         .stream_window_bytes = 16 * 1024,
                                         .connection_window_bytes = 64 * 1024,
                                         .write_buffer_bytes = 4 * 1024,
                                         .interim_heads_max = 4,
                                         .overhead_frames_max = 50};
  std::unique_ptr<parley::http::ClientConnection> client_;
  std::unique_ptr<parley::net::MemoryPeer> peer_;
  std::vector<std::unique_ptr<ClientExchange>> calls_;
  parley::loop::TaskSet tasks_{fake_.loop};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  parley::http::play_program<Scene>(data, size);
  return 0;
}
