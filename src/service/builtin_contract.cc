#include "service/builtin_contract.h"

#include "contract/known_types.h"

namespace parley::service {

// Compiled when Parley is built (CMakeLists.txt).
std::string_view builtin_set();

const contract::Contract& builtin_contract() {
  static const auto* const contract =
      new contract::Contract(contract::load_built_in(builtin_set()));  // lives to the end
  return *contract;
}

}  // namespace parley::service
