#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "contract/model.h"
#include "door/catalogue.h"
#include "http/exchange.h"
#include "loop/task.h"

namespace parley::door {

// What a rule makes of a request's content.
enum class ContentKind : uint8_t {
  None,   // the rule binds no body
  Json,   // the message, or the field that `body` names, as ProtoJSON
  Plain,  // google.api.HttpBody: any content, never parsed
};
ContentKind content_kind(const contract::HttpRule& rule, const contract::Method& method);

// google.api.HttpBody; null is none.
bool is_http_body(const contract::Message* message);

// Checks the header fields that describe the content, whether there is any or not. Failures:
// MediaTypeUnsupported with `accept` or `accept-patch`, EncodingUnsupported with
// `accept-encoding`, BodyUnexpected and BodyTooLarge by the declared length.
Result<void> check_content(const http::Exchange& exchange, ContentKind kind, uint32_t bytes_max);

// Reads the content to its end, decoded from its Content-Encoding; at most `bytes_max`, none at
// all for None. 64 bytes after its end are readable. REQUIRES: check_content has passed.
loop::Task<Result<Bytes>> read_content(http::Exchange& exchange, ContentKind kind,
                                       uint32_t bytes_max);

}  // namespace parley::door
