#pragma once

#include "net/descriptor.h"
#include "net/network.h"

namespace parley::net {

// A failing option makes a connection worse, not wrong: it is used without.
void set_option(const Descriptor& descriptor, int level, int name, int value);

// What every TCP connection has. Set on a listening socket, the connections that it accepts inherit
// it.
void set_stream_options(const Descriptor& descriptor, const SocketOptions& options);

}  // namespace parley::net
