#include "contract/known_types.h"

#include <utility>

#include "base/assert.h"
#include "contract/load.h"
#include "contract/proto_files.h"

namespace parley::contract {

// Compiled when Parley is built (CMakeLists.txt): doing it at the start would take milliseconds.
std::string_view known_types_set();

const Contract& known_types() {
  static const Contract* const contract =
      new Contract(load_built_in(known_types_set()));  // lives to the end
  return *contract;
}

Contract load_built_in(std::string_view descriptor_set) {
  Compiled files = split_descriptor_set(descriptor_set, "built in");
  PARLEY_ASSERT(files.problems.empty());
  Loaded loaded = load(std::move(files.source));
  PARLEY_ASSERT(loaded.contract.has_value());
  return std::move(*loaded.contract);
}

}  // namespace parley::contract
