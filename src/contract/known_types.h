#pragma once

#include "contract/model.h"

namespace parley::contract {

// The contract that is always there: google.rpc's status and details, google.protobuf's well-known
// types, google.api.HttpBody. Made at first use, immutable, shared by every thread.
const Contract& known_types();

}  // namespace parley::contract
