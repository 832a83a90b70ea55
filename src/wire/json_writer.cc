#include "wire/json_writer.h"

#include "base/assert.h"
#include "base/utf8.h"

namespace parley::wire {
namespace {

// An empty buffer behind the `used` ones.
ByteBuffer& next_buffer(std::vector<ByteBuffer>& buffers, size_t used) {
  if (buffers.size() == used) buffers.emplace_back();
  buffers[used].clear();
  return buffers[used];
}

}  // namespace

JsonWriter::JsonWriter(std::string_view wire, const JsonWriteOptions& options, ByteBuffer& out,
                       JsonWriterScratch& scratch, Pass pass)
    : wire_(wire),
      options_(options),
      out_(out),
      scratch_(scratch),
      frames_(scratch.frames),
      normal_left_(wire.size() * kNormalFactor + kNormalFree),
      careful_(pass == Pass::Careful),
      plain_(!options.pretty && !options.int64_numbers && !options.enum_numbers &&
             !options.proto_names) {
  frames_.clear();
  scratch_.seen.clear();
  scratch_.keys.clear();
}

JsonWriter::Ended JsonWriter::write_message(const Program& program) {
  return complete(open_message(program) && run());
}

JsonWriter::Ended JsonWriter::write_field(const Program& program, const FieldPlan& only) {
  return complete(open_field(program, only) && run());
}

void JsonWriter::begin_message(const Program& program) {
  plain_max_ = kPlainPieceMax;
  begun_ = open_message(program);
  out_.commit();
}

void JsonWriter::begin_field(const Program& program, const FieldPlan& only) {
  plain_max_ = kPlainPieceMax;
  begun_ = open_field(program, only);
  out_.commit();
}

JsonWriter::Ended JsonWriter::write_piece(size_t bytes) {
  if (!begun_) return complete(false);
  out_.restart();
  pause_at_ = bytes;
  const Ended ended = complete(run());
  return ended == Ended::Done && !frames_.empty() ? Ended::More : ended;
}

bool JsonWriter::open_message(const Program& program) {
  any_types_ = &program.programs();
  return message(program, wire_, 0);
}

bool JsonWriter::open_field(const Program& program, const FieldPlan& only) {
  any_types_ = &program.programs();
  if (!push(program, wire_, true, 0)) return false;
  frames_.back().only = &only;
  return true;
}

JsonWriter::Ended JsonWriter::complete(bool ok) {
  if (ok) {
    out_.commit();
    return Ended::Done;
  }
  out_.abandon();
  return disorder_ ? Ended::Disorder : Ended::Failed;
}

bool JsonWriter::malformed(const char* what) {
  if (problem_.empty()) problem_ = what;
  return false;
}

bool JsonWriter::run() {
  while (!frames_.empty() && !paused()) {
    WriteFrame& frame = frames_.back();
    if (!(frame.plain ? plain_fields(frame) : fields(frame))) [[unlikely]]
      return false;
  }
  return true;
}

// Opens a frame for a message whose JSON is an object, or for a bare one.
bool JsonWriter::push(const Program& program, std::string_view wire, bool bare, uint16_t any_ends) {
  // Neither a Value nor a wrapper is a level of its own: what may be read may be written.
  const bool counted = !bare || program.fields()[0].shape != Shape::Single;
  if (depth_ + (counted ? 1u : 0u) > options_.depth_max)
    return malformed("messages are nested too deeply");
  uint8_t owned = 0;
  if (careful_ && !normalize(program, wire, owned)) return false;
  const FieldSelection::Node* const selection = selection_below();
  WriteFrame& frame = frames_.emplace_back();
  frame.reader = WireReader(wire);
  frame.program = &program;
  frame.bare = bare;
  frame.selection = bare ? nullptr : selection;
  frame.plain = plain_ && !bare && frame.selection == nullptr && wire.size() <= plain_max_;
  frame.any_ends = any_ends;
  frame.owned_forms = owned;
  frame.counted = counted;
  if (counted) ++depth_;
  frame.seen = static_cast<uint32_t>(scratch_.seen.size());
  if (program.oneof_words() > 0) scratch_.seen.resize(frame.seen + program.oneof_words());
  if (scratch_.key_sets.size() < frames_.size()) scratch_.key_sets.emplace_back();
  if (!bare) open_bracket('{');
  return true;
}

// What is selected of the message that is about to be opened.
const FieldSelection::Node* JsonWriter::selection_below() const {
  if (frames_.empty() || frames_.back().only != nullptr) return options_.selection;
  const WriteFrame& parent = frames_.back();
  return parent.selection == nullptr ? nullptr : parent.selection->below(*parent.field);
}

bool JsonWriter::normalize(const Program& program, std::string_view& wire, uint8_t& owned) {
  ByteBuffer& form = next_buffer(scratch_.normal_forms, normal_forms_);
  const NormalForm::Answer answer = scratch_.normal.make(program, wire, form);
  if (answer == NormalForm::Answer::Malformed) return malformed("wire data that is no message");
  if (answer == NormalForm::Answer::Same) return true;
  if (form.size() > normal_left_) return malformed("too many fields are out of order");
  ++normal_forms_;
  ++owned;
  normal_left_ -= form.size();
  wire = form.view();
  return true;
}

void JsonWriter::drop_form() { normal_left_ += scratch_.normal_forms[--normal_forms_].size(); }

// Writes fields until the message ends, or until one opens a frame of its own, or a pause is due.
bool JsonWriter::fields(WriteFrame& frame) {
  const size_t depth = frames_.size();
  if (!packed_.at_end() && !packed_elements(frame, *frame.field)) return false;
  while (!frame.reader.at_end() && !paused()) {
    if (!one_field(frame)) return false;
    if (frames_.size() != depth) return true;  // `frame` may have moved
  }
  if (paused()) return true;
  return end_message(frame);
}

// Reads one field and writes it, or opens the frame that will. REQUIRES: not at the end.
bool JsonWriter::one_field(WriteFrame& frame) {
  if (!frame.reader.next()) return malformed("wire data that is no message");
  const auto plans = frame.program->fields();
  // Mostly the next field in order, or another element of the same list.
  const FieldPlan* plan = frame.open;
  if (plan == nullptr || plan->number() != frame.reader.number()) {
    if (frame.next < plans.size() && plans[frame.next].number() == frame.reader.number())
      plan = &plans[frame.next];
    else
      plan = frame.program->find(frame.reader.number());
  }
  if (plan == nullptr || !plan->reads(frame.reader.type()) || !wanted(frame, *plan)) {
    if (disorder_) return false;
    frame.reader.skip();
    return !frame.reader.failed() || malformed("wire data that is no message");
  }
  if (frame.open != nullptr && frame.open != plan) end_repeated(frame);
  frame.field = plan;
  return field(frame, *plan);
}

// Whether a field is to be written. One that is not may take the place of a member of its oneof
// that is: then this is disorder.
bool JsonWriter::wanted(WriteFrame& frame, const FieldPlan& plan) {
  if (frame.only != nullptr) {
    if (&plan == frame.only) return true;
    if (plan.oneof_bit != 0 && plan.oneof_bit == frame.only->oneof_bit && !careful_) disorder();
    return false;
  }
  if (frame.selection == nullptr || frame.selection->has(plan)) return true;
  if (!careful_) note_member(frame, plan);
  return false;
}

bool JsonWriter::field(WriteFrame& frame, const FieldPlan& plan) {
  switch (plan.shape) {
    case Shape::Single: return single(frame, plan);
    case Shape::List: return list(frame, plan);
    case Shape::Map: return entry(frame, plan);
  }
  return false;
}

bool JsonWriter::single(WriteFrame& frame, const FieldPlan& plan) {
  if (plan.kind == Kind::Enum && unknown_enum(plan, frame.reader)) return true;
  if (!note_seen(frame, plan) || !pass_defaults(frame, plan.index)) return false;
  name(frame, plan);
  if (!is_message(plan.kind)) return scalar(plan, frame.reader);
  const std::string_view content = plan.group ? frame.reader.group() : frame.reader.bytes();
  if (frame.reader.failed()) return malformed("wire data that is no message");
  return message(plan.message(), content, 0);
}

// Whether the next value belongs to no value of its closed enum: then it has been passed over, as
// an unknown field.
bool JsonWriter::unknown_enum(const FieldPlan& plan, WireReader& reader) const {
  if (!plan.field->enumeration->closed) return false;
  WireReader ahead = reader;
  const uint64_t number = ahead.varint();
  if (ahead.failed() || known_enum_value(plan, number)) return false;
  reader = ahead;
  return true;
}

// A field that comes back, or comes after later ones, is disorder; so is a second member of a
// oneof.
bool JsonWriter::note_seen(WriteFrame& frame, const FieldPlan& plan) {
  if (plan.index < frame.next) [[unlikely]]
    return disorder();
  return note_member(frame, plan);
}

bool JsonWriter::note_member(WriteFrame& frame, const FieldPlan& plan) {
  if (plan.oneof_bit == 0) return true;
  const uint32_t oneof = frame.program->oneof_of(plan);
  uint64_t& word = scratch_.seen[frame.seen + oneof / 64];
  const uint64_t bit = uint64_t{1} << oneof % 64;
  if (word & bit) [[unlikely]]
    return disorder();
  word |= bit;
  return true;
}

// Writes the defaults of the fields that were left out before `index`.
bool JsonWriter::pass_defaults(WriteFrame& frame, uint32_t index) {
  const uint32_t from = std::exchange(frame.next, index + 1);
  if (frame.only != nullptr || (options_.presence_set_only && !frame.bare)) return true;
  for (uint32_t i = from; i < index; ++i) {
    const FieldPlan& plan = frame.program->fields()[i];
    if (plan.presence || (frame.selection != nullptr && !frame.selection->has(plan))) continue;
    name(frame, plan);
    if (!default_value(plan)) return false;
  }
  return true;
}

bool JsonWriter::begin_repeated(WriteFrame& frame, const FieldPlan& plan) {
  if (!note_seen(frame, plan) || !pass_defaults(frame, plan.index)) return false;
  name(frame, plan);
  open_bracket(plan.shape == Shape::Map ? '{' : '[');
  frame.open = &plan;
  frame.first_element = true;
  if (plan.shape == Shape::Map) {
    scratch_.key_sets[frames_.size() - 1].clear();
    frame.keys = static_cast<uint32_t>(scratch_.keys.size());
  }
  return true;
}

void JsonWriter::end_repeated(WriteFrame& frame) {
  if (frame.open->shape == Shape::Map) scratch_.keys.resize(frame.keys);
  close_bracket(frame.open->shape == Shape::Map ? '}' : ']', frame.first_element);
  frame.open = nullptr;
}

void JsonWriter::next_element(WriteFrame& frame) {
  if (!frame.first_element) out_.put(',');
  frame.first_element = false;
  if (options_.pretty) new_line();
}

bool JsonWriter::list(WriteFrame& frame, const FieldPlan& plan) {
  if (frame.reader.type() == WireType::Length && wire_type(plan.kind) != WireType::Length)
    return packed(frame, plan);
  if (plan.kind == Kind::Enum && unknown_enum(plan, frame.reader)) return true;
  if (frame.open == nullptr && !begin_repeated(frame, plan)) return false;
  next_element(frame);
  if (!is_message(plan.kind)) return scalar(plan, frame.reader);
  const std::string_view content = plan.group ? frame.reader.group() : frame.reader.bytes();
  if (frame.reader.failed()) return malformed("wire data that is no message");
  return message(plan.message(), content, 0);
}

bool JsonWriter::packed(WriteFrame& frame, const FieldPlan& plan) {
  packed_ = WireReader(frame.reader.bytes());
  if (frame.reader.failed()) return malformed("wire data that is no message");
  return packed_elements(frame, plan);
}

// The quick way of a short message is not interrupted.
bool JsonWriter::packed_elements(WriteFrame& frame, const FieldPlan& plan) {
  while (!packed_.at_end() && (frame.plain || !paused())) {
    if (plan.kind == Kind::Enum && unknown_enum(plan, packed_)) continue;
    if (frame.open == nullptr && !begin_repeated(frame, plan)) return false;
    next_element(frame);
    if (!scalar(plan, packed_)) return false;
  }
  return true;
}

bool JsonWriter::entry(WriteFrame& frame, const FieldPlan& plan) {
  std::string_view wire = frame.reader.bytes();
  if (frame.reader.failed()) return malformed("wire data that is no message");
  const Program& program = plan.message();
  MapEntry entry;
  uint8_t forms = 0;
  if (!read_map_entry(program, wire, entry)) return malformed("a map entry that is none");
  if (entry.disorder) {
    if (!careful_) return disorder();
    entry = {};
    if (!normalize(program, wire, forms) || !read_map_entry(program, wire, entry))
      return malformed("a map entry that is none");
  }
  const size_t depth = frames_.size();
  if (!entry.unknown_enum) {
    if (frame.open == nullptr && !begin_repeated(frame, plan)) return false;
    next_element(frame);
    if (!entry_key(program.fields()[0], entry.key) || !entry_value(program.fields()[1], entry))
      return false;
  }
  if (forms == 0) return true;
  if (frames_.size() > depth)  // the value's, which reads from the form
    frames_[depth].owned_forms += forms;
  else
    drop_form();
  return true;
}

// Notes the key, and writes it with its colon. Keys are always strings in JSON.
bool JsonWriter::entry_key(const FieldPlan& plan, std::string_view key) {
  // A normal form has no key twice.
  if (!careful_ &&
      !add_map_key(plan, key, wire_, scratch_.keys, scratch_.key_sets[frames_.size() - 1]))
    return disorder();
  if (plan.kind == Kind::String) {
    if (!string(key)) return false;
  } else {
    // Zeros stand for a key that is not there.
    WireReader reader(key.empty() ? std::string_view("\0\0\0\0\0\0\0\0", 8) : key);
    out_.put('"');
    if (!key_text(plan.kind, reader)) return false;
    out_.put('"');
  }
  out_.put(':');
  if (options_.pretty) out_.put(' ');
  return true;
}

bool JsonWriter::entry_value(const FieldPlan& plan, const MapEntry& entry) {
  if (is_message(plan.kind)) return message(plan.message(), entry.value, 0);
  if (entry.value.data() == nullptr) return default_value(plan);
  if (plan.kind == Kind::String) {
    // As invalid_text() does, which knows of no entries. Keys are not repaired: two could become
    // one.
    const bool taken = plan.field->validate_utf8 || utf8_valid(entry.value);
    return taken ? string(entry.value) : own_string(utf8_repaired(entry.value));
  }
  if (plan.kind == Kind::Bytes) {
    bytes(entry.value);
    return true;
  }
  WireReader reader(entry.value);
  return scalar(plan, reader);
}

void JsonWriter::name(WriteFrame& frame, const FieldPlan& plan) {
  if (frame.bare) {
    frame.first = false;
    return;
  }
  if (!frame.first) out_.put(',');
  frame.first = false;
  if (options_.pretty) new_line();
  quoted_key(options_.proto_names ? plan.proto_key : plan.json_key);
}

bool JsonWriter::end_message(WriteFrame& frame) {
  if (frame.open != nullptr) end_repeated(frame);
  if (frame.only != nullptr && frame.first) {
    const FieldPlan& plan = *frame.only;
    pop();
    return absent_value(plan);
  }
  if (!pass_defaults(frame, static_cast<uint32_t>(frame.program->fields().size()))) return false;
  if (!frame.bare) {
    close_bracket('}', frame.first);
  } else if (frame.first) {
    out_.append("null");  // a Value without a kind
  }
  end_any(frame.any_ends);
  pop();
  return true;
}

void JsonWriter::pop() {
  const WriteFrame& frame = frames_.back();
  scratch_.seen.resize(frame.seen);
  for (int i = frame.owned_forms; i > 0; --i) drop_form();
  if (frame.counted) --depth_;
  frames_.pop_back();
}

}  // namespace parley::wire
