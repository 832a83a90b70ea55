// Any query and header field value: parsers of text from clients.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/utf8.h"
#include "door/media_type.h"
#include "door/rest_query.h"
#include "door/timeout.h"

namespace parley::door {
namespace {

void check_query(std::string_view text) {
  Arena arena;
  QueryReader reader(text, arena, 100);
  for (;;) {
    const auto parameter = reader.next();
    if (!parameter || !*parameter) return;
    PARLEY_ASSERT(utf8_valid((*parameter)->name) && utf8_valid((*parameter)->value));
    const auto name = ParameterName::parse((*parameter)->name);
    if (name) PARLEY_ASSERT(!name->path.empty());
  }
}

void check_fields(std::string_view text) {
  if (const auto media = MediaType::parse(text)) {
    PARLEY_ASSERT(!media->type.empty() && !media->subtype.empty());
    (void)media->parameter("charset");
  }
  Fields request;
  request.add(FieldId::Accept, text);
  constexpr std::string_view kOffers[] = {"application/json", "text/plain"};
  (void)negotiate(request, kOffers);
  if (const auto timeout = parse_grpc_timeout(text)) PARLEY_ASSERT(*timeout >= Duration::zero());
  if (const auto timeout = parse_request_timeout(text)) PARLEY_ASSERT(*timeout >= Duration::zero());
}

}  // namespace
}  // namespace parley::door

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  parley::door::check_query(text);
  parley::door::check_fields(text);
  return 0;
}
