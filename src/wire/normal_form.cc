#include "wire/normal_form.h"

#include <algorithm>

#include "wire/wire_reader.h"
#include "wire/wire_writer.h"

namespace parley::wire {

bool known_enum_value(const FieldPlan& plan, uint64_t number) {
  if (plan.kind != Kind::Enum || !plan.field->enumeration->closed) return true;
  return plan.field->enumeration->find(static_cast<int32_t>(number)) != nullptr;
}

namespace {

constexpr size_t kKeptMax = 64 * 1024;  // bytes of memory, from one message to the next

// Passes over the value behind the reader's tag. Of a submessage, string or bytes: its content.
std::string_view pass_value(WireReader& reader) {
  if (reader.type() == WireType::Length) return reader.bytes();
  if (reader.type() == WireType::Start) return reader.group();
  const char* const start = reader.position();
  reader.skip();
  return {start, static_cast<size_t>(reader.position() - start)};
}

bool is_whole(std::string_view wire) {
  WireReader reader(wire);
  while (reader.next()) reader.skip();
  return !reader.failed();
}

// Whether the value just read counts as an unknown field.
bool unknown_value(const FieldPlan& plan, WireType type, std::string_view content) {
  if (plan.kind != Kind::Enum || type != WireType::Varint) return false;
  return !known_enum_value(plan, WireReader(content).varint());
}

// Appends a number's bytes in a form that is equal just when the keys are.
void append_canonical_key(const FieldPlan& plan, std::string_view key, std::string& to) {
  uint64_t bits = 0;
  if (wire_type(plan.kind) == WireType::Varint) {
    if (!key.empty()) bits = WireReader(key).varint();
    if (plan.kind == Kind::Bool) bits = bits != 0;
    if (plan.kind == Kind::Int32 || plan.kind == Kind::Uint32 || plan.kind == Kind::Sint32)
      bits = static_cast<uint32_t>(bits);
  } else {
    if (!key.empty()) std::memcpy(&bits, key.data(), std::min(key.size(), sizeof bits));
  }
  to.append(reinterpret_cast<const char*>(&bits), sizeof bits);
}

}  // namespace

bool read_map_entry(const Program& entry, std::string_view wire, MapEntry& result) {
  const FieldPlan* const plans = entry.fields().data();
  WireReader reader(wire);
  while (reader.next()) {
    if (reader.number() != 1 && reader.number() != 2) {
      reader.skip();
      continue;
    }
    const bool is_key = reader.number() == 1;
    const FieldPlan& plan = plans[is_key ? 0 : 1];
    const WireType type = reader.type();
    const std::string_view content = pass_value(reader);
    if (!plan.reads(type)) continue;
    std::string_view& target = is_key ? result.key : result.value;
    result.disorder =
        result.disorder || target.data() != nullptr || (is_key && result.value.data() != nullptr);
    target = content;
    if (!is_key) result.unknown_enum = unknown_value(plan, type, content);
  }
  return !reader.failed();
}

NormalForm::Answer NormalForm::make(const Program& program, std::string_view wire,
                                    ByteBuffer& out) {
  Answer answer = look(program, wire);
  if (answer == Answer::Changed) answer = rebuild(program, wire, out);
  if (retained() > kKeptMax) {
    found_ = {};
    keys_ = {};
    key_set_ = {};
  }
  return answer;
}

size_t NormalForm::retained() const {
  return found_.capacity() * sizeof(Occurrence) + last_.capacity() * sizeof(Last) +
         keys_.capacity() + key_set_.retained();
}

// `Changed`: it has to be rebuilt. Nearly no message has to, so this takes no memory but for keys.
NormalForm::Answer NormalForm::look(const Program& program, std::string_view wire) {
  const FieldPlan* before = nullptr;
  last_.assign(program.message().oneofs.size(), {});
  WireReader reader(wire);
  while (reader.next()) {
    const FieldPlan* const plan = before != nullptr && before->number() == reader.number()
                                      ? before
                                      : program.find(reader.number());
    const WireType type = reader.type();
    const std::string_view content = pass_value(reader);
    if (plan == nullptr || !plan->reads(type) || unknown_value(*plan, type, content)) continue;
    if (before != nullptr &&
        (plan->index < before->index || (plan == before && plan->shape == Shape::Single)))
      return Answer::Changed;
    if (plan->oneof_bit != 0) {
      Last& member = last_[program.oneof_of(*plan)];
      if (member.plan != nullptr) return Answer::Changed;
      member.plan = plan;
    }
    if (plan->shape == Shape::Map) {
      if (plan != before) {
        keys_.clear();
        key_set_.clear();
      }
      if (!note_entry(*plan, content, wire)) return Answer::Changed;
    }
    before = plan;
  }
  return reader.failed() ? Answer::Malformed : Answer::Same;
}

// False: the entry's key is there already.
bool NormalForm::note_entry(const FieldPlan& map, std::string_view entry, std::string_view wire) {
  MapEntry parts;
  if (!read_map_entry(map.message(), entry, parts) || parts.unknown_enum) return true;
  return add_map_key(map.message().fields()[0], parts.key, wire, keys_, key_set_);
}

NormalForm::Answer NormalForm::rebuild(const Program& program, std::string_view wire,
                                       ByteBuffer& out) {
  if (!is_whole(wire)) return Answer::Malformed;
  wire_ = wire;
  fields_ = program.fields();
  collect(program);
  if (!last_.empty()) keep_last_members();
  std::sort(found_.begin(), found_.end(), [](const Occurrence& a, const Occurrence& b) {
    return a.field != b.field ? a.field < b.field : a.begin < b.begin;
  });
  keep_last_entries();
  if (!pieces_are_whole()) return Answer::Malformed;
  write(out);
  return Answer::Changed;
}

// REQUIRES: the message is whole.
void NormalForm::collect(const Program& program) {
  found_.clear();
  WireReader reader(wire_);
  for (;;) {
    const auto begin = static_cast<uint32_t>(reader.position() - wire_.data());
    if (!reader.next()) break;
    const FieldPlan* const plan = program.find(reader.number());
    const WireType type = reader.type();
    const std::string_view content = pass_value(reader);
    if (plan == nullptr || !plan->reads(type) || unknown_value(*plan, type, content)) continue;
    const auto end = static_cast<uint32_t>(reader.position() - wire_.data());
    if (plan->shape == Shape::List && !found_.empty() && found_.back().field == plan->index &&
        found_.back().end == begin)
      found_.back().end = end;
    else
      found_.push_back({plan->index, begin, end});
  }
}

// Of a message, string or bytes.
std::string_view NormalForm::content_of(const Occurrence& one) const {
  WireReader reader(bytes_of(one));
  reader.next();
  return pass_value(reader);
}

// Of each oneof, only the member that came last stays, from its last uninterrupted run on.
void NormalForm::keep_last_members() {
  std::ranges::fill(last_, Last{});
  const auto last_of = [&](const FieldPlan& plan) -> Last& {
    return last_[plan.oneof_bit - fields_.size()];
  };
  for (const Occurrence& one : found_) {
    const FieldPlan& plan = plan_of(one);
    if (plan.oneof_bit == 0) continue;
    Last& member = last_of(plan);
    if (member.plan != &plan) member = {&plan, one.begin};
  }
  std::erase_if(found_, [&](const Occurrence& one) {
    const FieldPlan& plan = plan_of(one);
    if (plan.oneof_bit == 0) return false;
    return last_of(plan).plan != &plan || one.begin < last_of(plan).from;
  });
}

// Of the entries of a map with equal keys, the last stays. REQUIRES: sorted.
void NormalForm::keep_last_entries() {
  constexpr uint32_t kGone = UINT32_MAX;
  uint32_t map = kGone;
  for (size_t i = found_.size(); i-- > 0;) {
    const FieldPlan& plan = plan_of(found_[i]);
    if (plan.shape != Shape::Map) continue;
    if (plan.index != map) {
      map = plan.index;
      keys_.clear();
      key_set_.clear();
    }
    if (!note_entry(plan, content_of(found_[i]), wire_)) found_[i].end = kGone;
  }
  std::erase_if(found_, [](const Occurrence& one) { return one.end == kGone; });
}

// Whether each piece of a submessage that is there several times is a message of its own: damage at
// the end of one must not be healed by the start of the next.
bool NormalForm::pieces_are_whole() const {
  for (size_t i = 1; i < found_.size(); ++i) {
    const FieldPlan& plan = plan_of(found_[i]);
    if (found_[i].field != found_[i - 1].field || plan.shape != Shape::Single ||
        !is_message(plan.kind))
      continue;
    if (!is_whole(content_of(found_[i - 1])) || !is_whole(content_of(found_[i]))) return false;
  }
  return true;
}

void NormalForm::write(ByteBuffer& out) const {
  for (size_t i = 0; i < found_.size();) i = write_field(i, out);
}

// Writes the occurrences of one field; returns the index behind them.
size_t NormalForm::write_field(size_t from, ByteBuffer& out) const {
  const FieldPlan& plan = plan_of(found_[from]);
  size_t to = from + 1;
  while (to < found_.size() && found_[to].field == found_[from].field) ++to;
  if (plan.shape != Shape::Single) {
    for (size_t i = from; i < to; ++i) out.append(bytes_of(found_[i]));
  } else if (!is_message(plan.kind) || to == from + 1) {
    out.append(bytes_of(found_[to - 1]));
  } else {
    size_t size = 0;
    for (size_t i = from; i < to; ++i) size += content_of(found_[i]).size();
    append_varint(out, plan.tag);
    if (!plan.group) append_varint(out, size);
    for (size_t i = from; i < to; ++i) out.append(content_of(found_[i]));
    if (plan.group) append_tag(out, plan.number(), WireType::End);
  }
  return to;
}

bool add_map_key(const FieldPlan& plan, std::string_view key, std::string_view wire,
                 std::string& numbers, KeySet& known) {
  if (plan.kind == Kind::String) {
    const size_t offset = key.empty() ? 0 : static_cast<size_t>(key.data() - wire.data());
    return known.add(wire.data(), offset, key.size());
  }
  const size_t start = numbers.size();
  append_canonical_key(plan, key, numbers);
  return known.add(numbers.data(), start, numbers.size() - start);
}

}  // namespace parley::wire
