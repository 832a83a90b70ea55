#pragma once

#include <string>
#include <string_view>

#include "base/failure.h"

namespace parley::net {

// "connection refused": the operating system's words for `error`, without capitals.
std::string error_text(int error);

// `doing` and the cause of `error`: "cannot connect to 127.0.0.1:80: connection refused". The code
// is UNAVAILABLE, as gRPC says of a broken transport; nothing was done, so elsewhere it may work.
Failure connect_failure(std::string_view address, int error);
Failure listen_failure(std::string_view address, int error);

// A connection that broke while it was in use: "connection reset by peer".
Failure broken_failure(int error);

}  // namespace parley::net
