#pragma once

#include <string_view>

#include "contract/model.h"

namespace parley::service {

inline constexpr std::string_view kHealthService = "grpc.health.v1.Health";
inline constexpr std::string_view kReflectionService = "grpc.reflection.v1.ServerReflection";
inline constexpr std::string_view kReflectionAlphaService =
    "grpc.reflection.v1alpha.ServerReflection";
inline constexpr std::string_view kAdminService = "parley.admin.v1.Admin";

// The contract of the services that Parley serves itself: the four above. Made at first use,
// immutable, shared by every thread.
const contract::Contract& builtin_contract();

}  // namespace parley::service
