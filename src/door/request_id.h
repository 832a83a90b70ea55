#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace parley::door {

// The client's X-Request-Id when it is [A-Za-z0-9._-]{1,128}, else a new one: 32 hexadecimal
// digits.
std::string request_id(std::string_view sent, Random& random);

}  // namespace parley::door
