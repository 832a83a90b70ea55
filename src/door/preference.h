#pragma once

#include "base/fields.h"

namespace parley::door {

// Whether the client would rather have no content in the answer to a change that went well:
// `Prefer: return=minimal` (RFC 7240, 4.2). Of several preferences of that name the first counts.
bool prefers_minimal(const Fields& request);

}  // namespace parley::door
