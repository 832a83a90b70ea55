#include "net/byte_stream.h"

namespace parley::net {

loop::Task<Result<Bytes>> ByteStream::read() {
  for (;;) {
    Result<std::optional<Bytes>> chunk = try_read();
    if (!chunk) co_return std::move(chunk.error());
    if (*chunk) co_return *std::move(*chunk);
    co_await readable_.wait();
  }
}

}  // namespace parley::net
