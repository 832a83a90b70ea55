#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/assert.h"
#include "net/net_fake.h"
#include "net/tls_fake.h"
#include "net/tls_stream.h"

// Whatever a client sends first, in pieces of any size, the handshake of a server ends: well, or
// with a failure that has one of the known causes.
namespace {

using parley::loop::Task;
using parley::net::ByteStream;

const parley::net::TlsServerContext& context() {
  static const parley::net::TlsServerContext kContext = [] {
    parley::net::FakeAuthority authority;
    parley::net::TlsServerSettings settings;
    settings.certificates = {authority.issue({"DNS:first.test"}),
                             authority.issue({"DNS:exact.wild.test"}),
                             authority.issue({"DNS:*.wild.test"})};
    std::vector<parley::net::TlsProblem> problems;
    auto loaded =
        parley::net::TlsServerContext::load(settings, parley::net::TicketKeys::fresh(), problems);
    PARLEY_ASSERT(loaded);
    return *std::move(loaded);
  }();
  return kContext;
}

Task<void> accept(std::unique_ptr<ByteStream> stream, bool& over) {
  const parley::Instant deadline = stream->loop().now() + std::chrono::seconds(5);
  auto done = co_await parley::net::accept_tls(std::move(stream), context(), deadline, nullptr);
  if (!done) PARLEY_ASSERT(!done.error().message().empty());
  over = true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = std::max<size_t>(1, data[0]);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  parley::loop::FakeLoop fake;
  auto wire = parley::net::make_wire(fake.loop);
  wire->forth.read_bytes_max = piece;
  auto [ours, theirs] = parley::net::memory_pair(fake.loop, wire);
  bool over = false;
  parley::loop::TaskSet tasks(fake.loop);
  tasks.spawn(accept(std::move(theirs), over));
  parley::net::MemoryPeer client(std::move(ours));
  client.send(bytes);
  fake.loop.run_until_idle();
  fake.advance(std::chrono::seconds(10));
  fake.loop.run_until_idle();
  PARLEY_ASSERT(over);
  // The name that a certificate is chosen by is the client's, too.
  PARLEY_ASSERT(context().certificate_for(bytes) < 3);
  return 0;
}
