#include "service/builtin_contract.h"

#include <string>
#include <utility>

#include "base/assert.h"
#include "contract/load.h"
#include "contract/proto_compiler.h"

namespace parley::service {
namespace {

// All built in: a problem with them is a bug of this program.
contract::Contract make_builtin_contract() {
  const std::string names[] = {
      "grpc/health/v1/health.proto",
      "grpc/reflection/v1/reflection.proto",
      "grpc/reflection/v1alpha/reflection.proto",
      "parley/admin/v1/admin.proto",
  };
  contract::Compiled compiled =
      contract::compile_protos(names, [](const std::string&) { return std::nullopt; });
  PARLEY_ASSERT(compiled.problems.empty());
  contract::Loaded loaded = contract::load(std::move(compiled.source));
  PARLEY_ASSERT(loaded.contract.has_value());
  return std::move(*loaded.contract);
}

}  // namespace

const contract::Contract& builtin_contract() {
  static const auto* const contract =
      new contract::Contract(make_builtin_contract());  // lives to the end
  return *contract;
}

}  // namespace parley::service
