#include "wire/bound_value.h"
#include "wire/json_reader.h"
#include "wire/wire_writer.h"

namespace parley::wire {

uint64_t JsonReader::all_bound() const {
  const size_t count = options_.bound.size();
  return count == 0 ? 0 : ~uint64_t{0} >> (kBoundValuesMax - count);
}

// Which of the values `bound`, `depth` steps of whose paths lead here, lie inside of this field.
// `leaf` is the one that is the field itself, else unchanged.
uint64_t JsonReader::bound_inside(const FieldPlan& plan, uint64_t bound, uint8_t depth,
                                  int& leaf) const {
  uint64_t inside = 0;
  for (uint64_t left = bound; left != 0; left &= left - 1) {
    const int i = std::countr_zero(left);
    const auto path = options_.bound[static_cast<size_t>(i)].path;
    if (static_cast<uint32_t>(path[depth]->number) != plan.number()) continue;
    if (path.size() == depth + 1u) {
      leaf = i;
    } else {
      inside |= uint64_t{1} << i;
    }
  }
  return inside;
}

// A message is entered in which values are bound: their oneofs are taken.
void JsonReader::note_bound_members(const JsonFrame& frame) {
  for (uint64_t left = frame.bound; left != 0; left &= left - 1) {
    const BoundValue& value = options_.bound[static_cast<size_t>(std::countr_zero(left))];
    const FieldPlan* const plan = frame.program->find(*value.path[frame.bound_depth]);
    if (plan && plan->oneof_bit != 0)
      scratch_.seen[frame.seen + plan->oneof_bit / 64u] |= uint64_t{1} << plan->oneof_bit % 64u;
  }
}

// The body has a value of its own for a bound field: it must be the same. Read apart, so that equal
// values have equal bytes.
bool JsonReader::bound_leaf(const FieldPlan& plan, const BoundValue& value) {
  const char* const start = cursor_.at();
  JsonReadOptions options = options_;
  options.bound = {};
  ByteBuffer apart;
  JsonReaderLease lease;
  JsonReader reader({cursor_.begin(), static_cast<size_t>(cursor_.end() - cursor_.begin())},
                    options, apart, *lease);
  reader.any_types_ = any_types_;
  reader.cursor_.move_to(start);
  if (!reader.field_value(plan, 0, 0) || !reader.run()) return cursor_.fail_as(reader.cursor_);
  reader.builder_.finish();
  cursor_.move_to(reader.cursor_.at());
  if (apart.empty() || apart.view() == value.leaf) return true;
  return cursor_.fail(start, "differs from the value in the path");
}

void append_bound_value(const BoundValue& value, ByteBuffer& out) {
  ByteBuffer inner;
  inner.append(value.leaf);
  for (size_t i = value.path.size() - 1; i-- > 0;) {
    ByteBuffer outer;
    append_field(outer, *value.path[i], inner.view());
    inner = std::move(outer);
  }
  out.append(inner.view());
}

}  // namespace parley::wire
