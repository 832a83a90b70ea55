#include <cstdint>

#include "base/assert.h"
#include "net/proxy_protocol.h"

// What is complete stays what it is, whatever follows; and a shorter part is never complete.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using parley::net::parse_proxy_header;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse_proxy_header(bytes);
  if (!parsed || !*parsed) return 0;
  const size_t taken = (*parsed)->size;
  PARLEY_ASSERT(taken <= size && taken <= parley::net::kProxyHeaderBytesMax);
  if ((*parsed)->client) (void)(*parsed)->client->text();
  const auto exact = parse_proxy_header(bytes.substr(0, taken));
  PARLEY_ASSERT(exact && *exact && (*exact)->size == taken);
  const auto cut = parse_proxy_header(bytes.substr(0, taken - 1));
  PARLEY_ASSERT(cut && !*cut);
  return 0;
}
