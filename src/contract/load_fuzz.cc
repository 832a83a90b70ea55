#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "contract/compare.h"
#include "contract/load.h"
#include "contract/proto_files.h"

// The bytes of a descriptor set load or are refused; what loads is whole and finds itself.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace parley::contract;
  auto set = split_descriptor_set({reinterpret_cast<const char*>(data), size}, "fuzz");
  const Loaded loaded = load(std::move(set.source));
  PARLEY_ASSERT(loaded.contract.has_value() != has_errors(loaded.problems));
  for (const Problem& problem : loaded.problems) PARLEY_ASSERT(!problem.text().empty());
  if (!loaded.contract) return 0;
  const Contract& contract = *loaded.contract;
  for (const Message& message : contract.messages()) {
    PARLEY_ASSERT(contract.find_message(message.full_name) == &message);
    for (const Field& field : message.fields) {
      PARLEY_ASSERT(message.find(field.number) == &field);
      PARLEY_ASSERT(field.parent == &message &&
                    &message.fields[static_cast<size_t>(field.index)] == &field);
      PARLEY_ASSERT((field.type == Type::Message || field.type == Type::Group) ==
                    (field.message != nullptr));
      PARLEY_ASSERT((field.type == Type::Enum) == (field.enumeration != nullptr));
      if (field.map) PARLEY_ASSERT(field.map_key().number == 1 && field.map_value().number == 2);
    }
  }
  for (const Service& service : contract.services())
    for (const Method& method : service.methods) {
      PARLEY_ASSERT(contract.find_method(method.path) == &method);
      PARLEY_ASSERT(method.input && method.output);
      for (const HttpRule& rule : method.rules)
        PARLEY_ASSERT(rule.variables.size() == rule.path.variables.size());
    }
  PARLEY_ASSERT(compare(contract, contract).empty());
  return 0;
}
