#include "wire/wire_to_json.h"

#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "wire/json_writer.h"

namespace parley::wire {
namespace {

// Scratch memory above this is given back when a message is done.
constexpr size_t kScratchKeptMax = 1024 * 1024;

thread_local std::unique_ptr<JsonWriterScratch> spare_scratch;

using Pass = JsonWriter::Pass;
using Ended = JsonWriter::Ended;

// Runs `write` quickly, and carefully where the quick pass meets fields that come back.
template <typename Write>
Result<void> run_passes(std::string_view wire, const JsonWriteOptions& options, ByteBuffer& out,
                        Write write) {
  JsonWriterLease lease;
  for (const Pass pass : {Pass::Quick, Pass::Careful}) {
    JsonWriter writer(wire, options, out, *lease, pass);
    const Ended ended = write(writer);
    if (ended == Ended::Done) return {};
    if (ended == Ended::Failed || pass == Pass::Careful) return writer.failure();
  }
  return {};
}

}  // namespace

JsonWriterLease::JsonWriterLease() : scratch_(std::move(spare_scratch)) {
  if (!scratch_) scratch_ = std::make_unique<JsonWriterScratch>();
}

JsonWriterLease::~JsonWriterLease() {
  if (scratch_->retained() <= kScratchKeptMax) spare_scratch = std::move(scratch_);
}

size_t JsonWriterScratch::retained() const {
  size_t bytes = frames.capacity() * sizeof(WriteFrame) + seen.capacity() * sizeof(uint64_t) +
                 keys.capacity() + text.capacity();
  for (const KeySet& set : key_sets) bytes += sizeof(KeySet) + set.retained();
  for (const ByteBuffer& form : normal_forms) bytes += sizeof form + form.capacity();
  bytes += path.capacity() + normal.retained();
  return bytes;
}

Failure JsonWriter::failure() const {
  std::string path;
  for (const WriteFrame& frame : frames_) {
    if (frame.field == nullptr || frame.bare) continue;
    if (!path.empty()) path += '.';
    path += frame.field->path_name();
  }
  std::string message = "the message";
  if (!path.empty()) message += fmt::format(" at {}", path);
  message += fmt::format(": {}", problem_.empty() ? "out of order" : problem_);
  return Failure(Reason::UpstreamMalformed, std::move(message));
}

Result<void> wire_to_json(const Program& program, std::string_view wire,
                          const JsonWriteOptions& options, ByteBuffer& out) {
  return run_passes(wire, options, out,
                    [&](JsonWriter& writer) { return writer.write_message(program); });
}

Result<void> wire_to_json_field(const Program& program, const contract::Field& field,
                                std::string_view wire, const JsonWriteOptions& options,
                                ByteBuffer& out) {
  const FieldPlan* const plan = program.find(field);
  PARLEY_ASSERT(plan != nullptr);
  return run_passes(wire, options, out,
                    [&](JsonWriter& writer) { return writer.write_field(program, *plan); });
}

}  // namespace parley::wire
