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
  if (!collect(program, wire)) return Answer::Malformed;
  const size_t all = found_.size();
  keep_last_members(program);
  const bool ordered = in_order();
  if (!ordered)
    std::sort(found_.begin(), found_.end(), [](const Occurrence& a, const Occurrence& b) {
      return a.plan->index != b.plan->index ? a.plan->index < b.plan->index : a.order < b.order;
    });
  keep_last_entries();
  const auto twice = [](const Occurrence& a, const Occurrence& b) {
    return a.plan == b.plan && a.plan->shape == Shape::Single;
  };
  const bool single = std::adjacent_find(found_.begin(), found_.end(), twice) == found_.end();
  if (!single && !pieces_are_whole()) return Answer::Malformed;
  if (ordered && single && found_.size() == all) return Answer::Same;
  write(out);
  return Answer::Changed;
}

size_t NormalForm::retained() const {
  return found_.capacity() * sizeof(Occurrence) + last_.capacity() * sizeof(Last) +
         gone_.capacity() / 8 + keys_.capacity() + key_set_.retained();
}

bool NormalForm::collect(const Program& program, std::string_view wire) {
  found_.clear();
  WireReader reader(wire);
  for (;;) {
    const char* const begin = reader.position();
    if (!reader.next()) break;
    const FieldPlan* const plan = program.find(reader.number());
    const WireType type = reader.type();
    const std::string_view content = pass_value(reader);
    if (plan == nullptr || !plan->reads(type) || unknown_value(*plan, type, content)) continue;
    found_.push_back(
        {plan, begin, content, reader.position(), static_cast<uint32_t>(found_.size())});
  }
  return !reader.failed();
}

// Of each oneof, only the member that came last stays, from its last uninterrupted run on.
void NormalForm::keep_last_members(const Program& program) {
  const auto oneofs = program.message().oneofs;
  if (oneofs.empty()) return;
  last_.assign(oneofs.size(), {});
  const auto last_of = [&](const Occurrence& occurrence) -> Last& {
    return last_[occurrence.plan->oneof_bit - program.fields().size()];
  };
  for (const Occurrence& occurrence : found_) {
    if (occurrence.plan->oneof_bit == 0) continue;
    Last& member = last_of(occurrence);
    if (member.plan != occurrence.plan) member = {occurrence.plan, occurrence.order};
  }
  std::erase_if(found_, [&](const Occurrence& occurrence) {
    if (occurrence.plan->oneof_bit == 0) return false;
    const Last& member = last_of(occurrence);
    return member.plan != occurrence.plan || occurrence.order < member.from;
  });
}

// Whether each piece of a submessage that is there several times is a message of its own: damage at
// the end of one must not be healed by the start of the next.
bool NormalForm::pieces_are_whole() const {
  for (size_t i = 1; i < found_.size(); ++i) {
    const FieldPlan& plan = *found_[i].plan;
    if (&plan != found_[i - 1].plan || plan.shape != Shape::Single || !is_message(plan.kind))
      continue;
    if (!is_whole(found_[i - 1].content) || !is_whole(found_[i].content)) return false;
  }
  return true;
}

bool NormalForm::in_order() const {
  return std::is_sorted(found_.begin(), found_.end(), [](const Occurrence& a, const Occurrence& b) {
    return a.plan->index < b.plan->index;
  });
}

// Of the entries of a map with equal keys, the last stays. REQUIRES: sorted.
void NormalForm::keep_last_entries() {
  const FieldPlan* map = nullptr;
  const Occurrence* const begin = found_.data();
  gone_.assign(found_.size(), false);
  bool any = false;
  for (size_t i = found_.size(); i-- > 0;) {
    if (begin[i].plan->shape != Shape::Map) continue;
    if (begin[i].plan != map) {
      map = begin[i].plan;
      keys_.clear();
      key_set_.clear();
    }
    MapEntry entry;
    if (!read_map_entry(map->message(), begin[i].content, entry) || entry.unknown_enum) continue;
    const size_t start = keys_.size();
    append_canonical_key(map->message().fields()[0], entry.key, keys_);
    if (key_set_.add(keys_.data(), start, keys_.size() - start)) continue;
    gone_[i] = any = true;
  }
  if (!any) return;
  size_t kept = 0;
  for (size_t i = 0; i < found_.size(); ++i)
    if (!gone_[i]) found_[kept++] = found_[i];
  found_.erase(found_.begin() + static_cast<std::ptrdiff_t>(kept), found_.end());
}

void NormalForm::write(ByteBuffer& out) const {
  for (size_t i = 0; i < found_.size();) i = write_field(i, out);
}

// Writes the occurrences of one field; returns the index behind them.
size_t NormalForm::write_field(size_t from, ByteBuffer& out) const {
  const FieldPlan& plan = *found_[from].plan;
  size_t to = from + 1;
  while (to < found_.size() && found_[to].plan == &plan) ++to;
  const auto copy = [&](const Occurrence& one) {
    out.append({one.begin, static_cast<size_t>(one.end - one.begin)});
  };
  if (plan.shape != Shape::Single) {
    for (size_t i = from; i < to; ++i) copy(found_[i]);
  } else if (!is_message(plan.kind) || to == from + 1) {
    copy(found_[to - 1]);
  } else {
    size_t size = 0;
    for (size_t i = from; i < to; ++i) size += found_[i].content.size();
    append_varint(out, plan.tag);
    if (!plan.group) append_varint(out, size);
    for (size_t i = from; i < to; ++i) out.append(found_[i].content);
    if (plan.group) append_tag(out, plan.number(), WireType::End);
  }
  return to;
}

void append_canonical_key(const FieldPlan& plan, std::string_view key, std::string& to) {
  if (plan.kind == Kind::String) {
    to += key;
    return;
  }
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

}  // namespace parley::wire
