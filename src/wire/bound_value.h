#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "contract/model.h"

namespace parley::wire {

inline constexpr size_t kBoundValuesMax = 64;

// A field that the path of a request sets. Borrows both: the path usually from HttpRule::variables.
struct BoundValue {
  std::span<const contract::Field* const> path;  // from the message down to the leaf; not empty
  std::string_view leaf;                         // tag and value, as text_to_wire writes them
};

// Appends the leaf inside of the messages that lead to it: merged with what is there already, as
// wire bytes that follow others are.
void append_bound_value(const BoundValue& value, ByteBuffer& out);

}  // namespace parley::wire
