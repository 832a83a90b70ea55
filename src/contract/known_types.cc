#include "contract/known_types.h"

#include <string>
#include <utility>

#include "base/assert.h"
#include "contract/load.h"
#include "contract/proto_compiler.h"

namespace parley::contract {
namespace {

// All built in: a problem with them is a bug of this program.
Contract make_known_types() {
  const std::string names[] = {
      "google/api/httpbody.proto",
      "google/protobuf/any.proto",
      "google/protobuf/duration.proto",
      "google/protobuf/empty.proto",
      "google/protobuf/field_mask.proto",
      "google/protobuf/struct.proto",
      "google/protobuf/timestamp.proto",
      "google/protobuf/wrappers.proto",
      "google/rpc/code.proto",
      "google/rpc/error_details.proto",
      "google/rpc/http.proto",
      "google/rpc/status.proto",
  };
  Compiled compiled = compile_protos(names, [](const std::string&) { return std::nullopt; });
  PARLEY_ASSERT(compiled.problems.empty());
  Loaded loaded = load(std::move(compiled.source));
  PARLEY_ASSERT(loaded.contract.has_value());
  return std::move(*loaded.contract);
}

}  // namespace

const Contract& known_types() {
  static const Contract* const contract = new Contract(make_known_types());  // lives to the end
  return *contract;
}

}  // namespace parley::contract
