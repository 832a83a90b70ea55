#pragma once

#include <string_view>

#include "base/clock.h"

namespace parley::http {

// IMF-fixdate (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". Made once a second in each
// thread; lives until the next call there.
std::string_view http_date(WallTime time);

}  // namespace parley::http
