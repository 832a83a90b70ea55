#pragma once

#include <string_view>

#include "contract/model.h"

namespace parley::contract {

// The contract that is always there: google.rpc's status and details, google.protobuf's well-known
// types, google.api.HttpBody. Made at first use, immutable, shared by every thread.
const Contract& known_types();

// Links a descriptor set that is part of this program: a problem with it is a bug.
Contract load_built_in(std::string_view descriptor_set);

}  // namespace parley::contract
