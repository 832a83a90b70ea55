#include "wire/update_mask.h"

#include <algorithm>

#include "base/assert.h"
#include "wire/json_cursor.h"
#include "wire/json_skipper.h"
#include "wire/wire_writer.h"

namespace parley::wire {
namespace {

// Walks over the keys of a body that is known to be right.
class MaskReader {
 public:
  MaskReader(std::string_view json, const JsonReadOptions& options)
      : cursor_(json), options_(options) {}

  bool read(const Program& program, std::vector<std::string>& paths);
  std::string problem() const { return cursor_.problem(); }

 private:
  struct Level {
    const Program* program;
    size_t prefix;  // size of the path that leads here
    bool first = true;
  };

  bool member(std::vector<std::string>& paths);
  bool enter(const FieldPlan& plan);
  bool bound(const FieldPlan& plan) const;

  JsonCursor cursor_;
  const JsonReadOptions& options_;
  std::vector<Level> levels_;
  std::vector<const contract::Field*> fields_;  // that lead here
  std::string path_;
  std::string scratch_;
  JsonSkipper skipper_;
};

bool MaskReader::read(const Program& program, std::vector<std::string>& paths) {
  if (program.kind() != Kind::Message || cursor_.peek() != '{')
    return cursor_.fail("expected an object");
  cursor_.advance();
  levels_.push_back({&program, 0});
  while (!levels_.empty()) {
    Level& level = levels_.back();
    const char c = cursor_.peek();
    if (c == '}') {
      cursor_.advance();
      path_.resize(level.prefix);
      levels_.pop_back();
      if (!fields_.empty()) fields_.pop_back();
      continue;
    }
    if (!level.first && !cursor_.expect(',', "expected ',' or '}'")) return false;
    level.first = false;
    if (!member(paths)) return false;
  }
  return cursor_.end_of_text();
}

// Reads one member: notes its path, or enters the message that it is.
bool MaskReader::member(std::vector<std::string>& paths) {
  const Level level = levels_.back();
  std::string_view name;
  if (!cursor_.string(name, scratch_)) return false;
  const FieldPlan* const plan = level.program->find(name);
  if (!cursor_.expect(':', "expected ':'")) return false;
  if (plan == nullptr || bound(*plan)) return skipper_.skip(cursor_, options_.depth_max);
  path_.resize(level.prefix);
  if (!path_.empty()) path_ += '.';
  path_ += plan->field->name;
  if (enter(*plan)) return true;
  paths.push_back(path_);
  return skipper_.skip(cursor_, options_.depth_max);
}

// Steps into a nested message that has members; false, the cursor in its place, when the field
// counts whole.
bool MaskReader::enter(const FieldPlan& plan) {
  if (plan.kind != Kind::Message || plan.shape != Shape::Single || cursor_.peek() != '{' ||
      levels_.size() >= options_.depth_max)
    return false;
  const char* const start = cursor_.at();
  cursor_.advance();
  if (cursor_.peek() == '}') {
    cursor_.move_to(start);
    return false;
  }
  fields_.push_back(plan.field);
  levels_.push_back({&plan.message(), path_.size()});
  return true;
}

// Whether the path of the request sets this very field.
bool MaskReader::bound(const FieldPlan& plan) const {
  return std::any_of(options_.bound.begin(), options_.bound.end(), [&](const BoundValue& value) {
    return value.path.size() == fields_.size() + 1 && value.path.back() == plan.field &&
           std::equal(fields_.begin(), fields_.end(), value.path.begin());
  });
}

}  // namespace

Result<std::vector<std::string>> update_mask_of(const Program& program, std::string_view json,
                                                const JsonReadOptions& options) {
  std::vector<std::string> paths;
  MaskReader reader(json, options);
  if (!reader.read(program, paths)) return Failure(Reason::BodyInvalid, reader.problem());
  return paths;
}

void append_field_mask(const contract::Field& field, std::span<const std::string> paths,
                       ByteBuffer& out) {
  ByteBuffer content;
  for (const std::string& path : paths) append_bytes_field(content, 1, path);
  append_field(out, field, content.view());
}

}  // namespace parley::wire
