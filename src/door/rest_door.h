#pragma once

#include "door/catalogue.h"
#include "door/metadata.h"
#include "http/exchange.h"
#include "loop/loop.h"

namespace parley::door {

// Serves one exchange over REST, to its end: what google.api.http and the settings say. The
// catalogue's owner keeps it alive meanwhile.
loop::Task<void> serve_rest(http::Exchange& exchange, Catalogue& catalogue, loop::Loop& loop,
                            Counts& counts);

}  // namespace parley::door
