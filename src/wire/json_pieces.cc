#include "wire/json_pieces.h"

#include "base/assert.h"
#include "wire/json_writer.h"

namespace parley::wire {

// Everything that a careful pass needs from its begin to its end. A quick one could not go back
// when it meets disorder: the pieces before it are gone.
struct JsonPieces::Work {
  Work(std::string_view wire, const JsonWriteOptions& chosen)
      : options(chosen), writer(wire, options, buffer, scratch, JsonWriter::Pass::Careful) {}

  const JsonWriteOptions options;
  JsonWriterScratch scratch;
  ByteBuffer buffer;
  JsonWriter writer;
  bool done = false;
};

JsonPieces::JsonPieces(const Program& program, std::string_view wire,
                       const JsonWriteOptions& options, const contract::Field* only)
    : work_(std::make_unique<Work>(wire, options)) {
  if (only == nullptr) {
    work_->writer.begin_message(program);
    return;
  }
  const FieldPlan* const plan = program.find(*only);
  PARLEY_ASSERT(plan != nullptr);
  work_->writer.begin_field(program, *plan);
}

JsonPieces::~JsonPieces() = default;

Result<Bytes> JsonPieces::next(size_t bytes) {
  if (work_->done) return Bytes();
  const JsonWriter::Ended ended = work_->writer.write_piece(bytes);
  if (ended == JsonWriter::Ended::Failed) return work_->writer.failure();
  work_->done = ended == JsonWriter::Ended::Done;
  return work_->buffer.take();
}

}  // namespace parley::wire
