#pragma once

#include <vector>

#include "contract/problem.h"
#include "gateway/listener_sockets.h"
#include "gateway/settings.h"
#include "gateway/shard.h"
#include "gateway/tls_keeper.h"

namespace parley::gateway {

// The listeners of some settings, the admin's last, with their sockets open. `tls`: what the
// handshakes of the settings' listeners use. Problems that are errors: what was opened for them is
// closed again.
std::vector<ListenerPlan> plan_listeners(const Settings& settings, const TlsContexts& tls,
                                         ListenerSockets& sockets,
                                         std::vector<contract::Problem>& problems);

// Whether one of them answers API calls beyond loopback.
bool beyond_loopback(const std::vector<ListenerPlan>& plans);

}  // namespace parley::gateway
