#include "wire/json_to_wire.h"

#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "wire/json_reader.h"

namespace parley::wire {
namespace {

// Scratch memory above this is given back when a message is done.
constexpr size_t kScratchKeptMax = 1024 * 1024;

// Wire positions are held in 32 bits, and a byte of JSON becomes fewer than 8 of wire: the most for
// "1," in a list of fixed64.
constexpr size_t kJsonBytesMax = std::numeric_limits<uint32_t>::max() / 8;

thread_local std::unique_ptr<JsonReaderScratch> spare_scratch;

Result<void> check_size(std::string_view json) {
  if (json.size() <= kJsonBytesMax) return {};
  return Failure(Reason::BodyTooLarge, "JSON of more than 512 MiB");
}

}  // namespace

JsonReaderLease::JsonReaderLease() : scratch_(std::move(spare_scratch)) {
  if (!scratch_) scratch_ = std::make_unique<JsonReaderScratch>();
}

JsonReaderLease::~JsonReaderLease() {
  if (scratch_->retained() <= kScratchKeptMax) spare_scratch = std::move(scratch_);
}

size_t JsonReaderScratch::retained() const {
  size_t bytes = frames.capacity() * sizeof(JsonFrame) + seen.capacity() * sizeof(uint64_t) +
                 prefixes.capacity() * sizeof(LengthPrefix) + text.capacity() + path.capacity() +
                 unknown.retained() + unknown_names.capacity() + skipper.retained();
  for (const KeySet& keys : key_sets) bytes += sizeof(KeySet) + keys.retained();
  return bytes;
}

// Where in the contract the problem is: "user.labels[colour].lines[3]".
std::string JsonReader::path_of_problem() const {
  std::string path;
  const auto add_name = [&](std::string_view name) {
    if (!path.empty()) path += '.';
    path += name;
  };
  if (root_field_) add_name(root_field_->path_name());
  for (const JsonFrame& frame : frames_) {
    switch (frame.kind) {
      case JsonFrame::Kind::Message:
        if (frame.field) add_name(frame.field->path_name());
        break;
      case JsonFrame::Kind::List:
        path += fmt::format("[{}]", frame.next == 0 ? 0 : frame.next - 1);
        break;
      case JsonFrame::Kind::Map:
        if (frame.key.data() != nullptr) path += fmt::format("[{}]", name_in_path(frame.key));
        break;
      case JsonFrame::Kind::AnyValue: break;
    }
  }
  if (!unknown_name_.empty()) add_name(unknown_name_);
  return path;
}

Failure JsonReader::failure() const {
  std::string path = path_of_problem();
  std::string message = fmt::format("the JSON body at {}", cursor_.place_of_problem());
  if (!path.empty()) message += fmt::format(", {}", path);
  std::string problem = cursor_.problem();
  if (cursor_.too_deep()) problem = fmt::format("nested deeper than {} levels", options_.depth_max);
  message += fmt::format(": {}", problem);
  Failure failure(Reason::BodyInvalid, std::move(message));
  if (cursor_.too_deep()) failure.with_limit(options_.depth_limit);
  failure.violation(std::move(path), std::move(problem));
  return failure;
}

Result<void> json_to_wire(const Program& program, std::string_view json,
                          const JsonReadOptions& options, ByteBuffer& out) {
  PARLEY_ASSERT(options.bound.size() <= kBoundValuesMax);
  TRY_VOID(check_size(json));
  JsonReaderLease lease;
  return JsonReader(json, options, out, *lease).read_message(program);
}

Result<void> json_to_wire_field(const Program& parent, const contract::Field& field,
                                std::string_view json, const JsonReadOptions& options,
                                ByteBuffer& out) {
  PARLEY_ASSERT(options.bound.size() <= kBoundValuesMax);
  TRY_VOID(check_size(json));
  const FieldPlan* const plan = parent.find(field);
  PARLEY_ASSERT(plan != nullptr);
  JsonReaderLease lease;
  return JsonReader(json, options, out, *lease).read_field(parent, *plan);
}

}  // namespace parley::wire
