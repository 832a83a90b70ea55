#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "contract/model.h"

namespace parley::contract {

// One difference between two contracts, as clients see it.
struct Change {
  enum class Kind : uint8_t { Added, Removed, Changed };
  Kind kind = Kind::Changed;
  bool breaking = false;  // a client of the old contract may fail, over the wire or in JSON
  std::string subject;    // full name of what changed: "shop.v1.User.name"
  std::string what;       // "its type was string and is int32"

  // "breaking: shop.v1.User.name: its type was string and is int32"
  std::string text() const;

  friend bool operator==(const Change&, const Change&) = default;
};

// Services, methods with their routes, messages, fields, oneofs, enums and their values that
// differ; first what is in `before`, in its order, then what only `after` has. Fields are matched
// by number, enum values by name.
std::vector<Change> compare(const Contract& before, const Contract& after);

// Whether both were made from the same files and rules: nothing needs to be built anew.
bool same(const Contract& a, const Contract& b);

}  // namespace parley::contract
