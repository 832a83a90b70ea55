#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "http/http2_fake.h"
#include "http/http_fake.h"
#include "http/server.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/net_fake.h"

// Frames into a server's connection. The first byte says in which pieces they arrive. Types from
// kFirstDeed on are no frames but what happens beside them. Whatever comes, every request that was
// begun ends, and the connection with its client.
namespace {

using parley::http::FuzzStep;

constexpr uint8_t kFirstDeed = 0xF0;

class Scene {
 public:
  explicit Scene(size_t piece) : peer_(connect(piece)) { peer_.send(parley::http::kPreface); }

  void play(const FuzzStep& step) {
    if (step.type < kFirstDeed) {
      peer_.send(parley::http::frame(step.type, step.flags, step.stream, step.payload));
      return;
    }
    switch (step.type % 8) {
      case 0: fake_.loop.run_until_idle(); break;
      case 1: fake_.advance(std::chrono::milliseconds(100) * step.flags); break;
      case 2: service_.go.notify(); break;
      case 3: drain_.start(std::chrono::seconds(5)); break;
      case 4: peer_.pause(); break;
      case 5: peer_.resume(); break;
      default: peer_.send(step.payload);  // no frame at all
    }
  }

  void end() {
    peer_.resume();
    fake_.loop.run_until_idle();
    peer_.close();
    fake_.loop.run_until_idle();
    fake_.advance(settings_.write_timeout * 3);
    PARLEY_ASSERT(server_.empty());
    PARLEY_ASSERT(service_.started == service_.completed + service_.cancelled);
  }

 private:
  parley::net::MemoryPeer connect(size_t piece) {
    const auto wire = parley::net::make_wire(fake_.loop);
    wire->forth.read_bytes_max = piece;
    auto [ours, theirs] = parley::net::memory_pair(fake_.loop, wire);
    server_.spawn(parley::http::serve_http2(std::move(theirs), {}, context_));
    return parley::net::MemoryPeer(std::move(ours));
  }

  parley::loop::FakeLoop fake_;
  parley::http::Settings settings_{.header_bytes_max = 1024,
                                   .header_count_max = 16,
                                   .url_bytes_max = 64,
                                   .streams_max = 8,
                                   .stream_window_bytes = 16 * 1024,
                                   .write_buffer_bytes = 4 * 1024,
                                   .resets_max = 10,
                                   .overhead_frames_max = 50};
  parley::http::FakeService service_{fake_.loop};
  parley::http::Drain drain_{fake_.loop};
  parley::http::ServerContext context_{fake_.loop, service_, settings_, drain_};
  parley::loop::TaskSet server_{fake_.loop};
  parley::net::MemoryPeer peer_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  parley::http::play_program<Scene>(data, size);
  return 0;
}
