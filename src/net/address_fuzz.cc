#include "base/assert.h"
#include "net/address.h"

// What parses prints as something that parses to the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto address = parley::net::Address::parse(text);
  if (!address) {
    PARLEY_ASSERT(!address.error().message().empty());
    return 0;
  }
  const auto again = parley::net::Address::parse(address->text());
  PARLEY_ASSERT(again && *again == *address);
  return 0;
}
