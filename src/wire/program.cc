#include "wire/program.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/json_string.h"

namespace parley::wire {

using contract::Field;
using contract::Message;
using contract::Type;
using contract::WellKnown;

namespace {

// Number tables as long as this many entries for each field are indexed directly.
constexpr uint32_t kDenseFactor = 4;
constexpr uint32_t kDenseFree = 64;

template <typename T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// A hash of the name's size, its first and its last eight bytes. Names come from the contract, so
// nobody gains by colliding ones.
uint32_t name_hash(std::string_view name) {
  const char* const p = name.data();
  const size_t n = name.size();
  uint64_t head = 0;
  uint64_t tail = 0;
  if (n >= 8) {
    head = load<uint64_t>(p);
    tail = load<uint64_t>(p + n - 8);
  } else if (n >= 4) {
    head = load<uint32_t>(p);
    tail = load<uint32_t>(p + n - 4);
  } else if (n > 0) {
    head = static_cast<uint8_t>(p[0]);
    tail =
        static_cast<uint64_t>(static_cast<uint8_t>(p[n / 2])) << 8 | static_cast<uint8_t>(p[n - 1]);
  }
  const uint64_t mixed = (head ^ std::rotl(tail, 29) ^ n) * 0x9E3779B97F4A7C15u;
  return static_cast<uint32_t>(mixed >> 32);
}

Kind scalar_kind(const Field& field) {
  switch (field.type) {
    case Type::Double: return Kind::Double;
    case Type::Float: return Kind::Float;
    case Type::Int64: return Kind::Int64;
    case Type::Uint64: return Kind::Uint64;
    case Type::Int32: return Kind::Int32;
    case Type::Fixed64: return Kind::Fixed64;
    case Type::Fixed32: return Kind::Fixed32;
    case Type::Bool: return Kind::Bool;
    case Type::String: return Kind::String;
    case Type::Bytes: return Kind::Bytes;
    case Type::Uint32: return Kind::Uint32;
    case Type::Enum: return field.enumeration->null_value ? Kind::NullValue : Kind::Enum;
    case Type::Sfixed32: return Kind::Sfixed32;
    case Type::Sfixed64: return Kind::Sfixed64;
    case Type::Sint32: return Kind::Sint32;
    case Type::Sint64: return Kind::Sint64;
    case Type::Group:
    case Type::Message: break;
  }
  return Kind::Message;
}

// Whether a map's entry has a key and a value, as every map's must.
bool is_entry(const Message& entry) {
  if (entry.fields.size() != 2) return false;
  const Field* const key = entry.find(1);
  const Field* const value = entry.find(2);
  return key && value && !key->repeated && !value->repeated && key->message == nullptr &&
         key->type != Type::Double && key->type != Type::Float && key->type != Type::Bytes &&
         key->type != Type::Enum;
}

// Whether the message's only field is number 1 and as its well-known name promises.
bool is_bare(const Message& message) {
  if (message.fields.size() != 1 || message.fields[0].number != 1) return false;
  const Field& only = message.fields[0];
  if (message.well_known == WellKnown::Struct) return only.map && is_entry(*only.message);
  if (message.well_known == WellKnown::ListValue) return only.repeated && only.message != nullptr;
  return !only.repeated && !only.presence && only.message == nullptr;
}

// Whether google.protobuf.Value has the six members that the reader and the writer count on.
bool is_value(const Message& message) {
  constexpr Type kTypes[] = {Type::Enum, Type::Double,  Type::String,
                             Type::Bool, Type::Message, Type::Message};
  if (message.fields.size() != std::size(kTypes)) return false;
  for (size_t i = 0; i < std::size(kTypes); ++i) {
    const Field* const field = message.find(static_cast<int32_t>(i + 1));
    if (field == nullptr || field->type != kTypes[i] || field->repeated || !field->oneof)
      return false;
  }
  return message.find(5)->message->well_known == WellKnown::Struct &&
         is_bare(*message.find(5)->message) &&
         message.find(6)->message->well_known == WellKnown::ListValue &&
         is_bare(*message.find(6)->message);
}

// How values of a message look. A type that only bears a well-known name is an ordinary message.
Kind message_kind(const Message& message) {
  switch (message.well_known) {
    case WellKnown::Any: return Kind::Any;
    case WellKnown::Timestamp: return Kind::Timestamp;
    case WellKnown::Duration: return Kind::Duration;
    case WellKnown::FieldMask: return Kind::FieldMask;
    case WellKnown::Value: return is_value(message) ? Kind::Value : Kind::Message;
    case WellKnown::None:
    case WellKnown::Empty:
    case WellKnown::HttpBody: return Kind::Message;
    case WellKnown::Struct:
    case WellKnown::ListValue:
    case WellKnown::DoubleValue:
    case WellKnown::FloatValue:
    case WellKnown::Int64Value:
    case WellKnown::Uint64Value:
    case WellKnown::Int32Value:
    case WellKnown::Uint32Value:
    case WellKnown::BoolValue:
    case WellKnown::StringValue:
    case WellKnown::BytesValue: return is_bare(message) ? Kind::Bare : Kind::Message;
  }
  return Kind::Message;
}

}  // namespace

namespace {

// The wire types in which a field's values may come, as bits.
uint8_t read_types(const FieldPlan& plan) {
  const auto bit = [](WireType type) { return 1u << static_cast<unsigned>(type); };
  unsigned types = plan.group ? bit(WireType::Start) : bit(wire_type(plan.kind));
  if (plan.shape == Shape::Map) types = bit(WireType::Length);
  if (plan.shape == Shape::List && !is_message(plan.kind)) types |= bit(WireType::Length);
  return static_cast<uint8_t>(types);
}

Quick quick_way(const FieldPlan& plan) {
  const bool number = plan.kind < Kind::Enum;
  if (plan.oneof_bit != 0) return Quick::None;
  if (plan.shape == Shape::List && plan.packed && number) return Quick::Packed;
  if (plan.shape == Shape::List && plan.kind == Kind::String) return Quick::Strings;
  if (plan.group || plan.shape == Shape::Map) return Quick::None;
  if (plan.kind == Kind::Message)
    return plan.shape == Shape::List ? Quick::Messages : Quick::Message;
  if (plan.shape != Shape::Single) return Quick::None;
  if (plan.kind == Kind::Timestamp || plan.kind == Kind::Duration) return Quick::Time;
  return number ? Quick::Number : plan.kind == Kind::String ? Quick::String : Quick::None;
}

// The value of a field without presence that is not set; such a field has no default of its own.
std::string default_json(const FieldPlan& plan) {
  if (plan.shape != Shape::Single) return plan.shape == Shape::Map ? "{}" : "[]";
  switch (plan.kind) {
    case Kind::String:
    case Kind::Bytes: return "\"\"";
    case Kind::Bool: return "false";
    case Kind::NullValue: return "null";
    case Kind::Int64:
    case Kind::Uint64:
    case Kind::Sint64:
    case Kind::Fixed64:
    case Kind::Sfixed64: return "\"0\"";
    case Kind::Enum: {
      const contract::EnumValue* const zero = plan.field->enumeration->find(0);
      return zero ? "\"" + std::string(zero->name) + "\"" : "0";
    }
    default: return "0";
  }
}

}  // namespace

// Fills one Program.
class ProgramCompiler {
 public:
  ProgramCompiler(Program& program, const Message& message, const Programs& programs)
      : program_(program), message_(message), programs_(programs) {}

  void compile() {
    program_.message_ = &message_;
    program_.programs_ = &programs_;
    program_.kind_ = message_kind(message_);
    compile_fields();
    compile_keys();
    compile_defaults();
    compile_names();
    compile_numbers();
  }

 private:
  void compile_fields();
  FieldPlan compile_field(const Field& field) const;
  void compile_keys();
  void compile_defaults();
  void compile_names();
  void compile_numbers();
  void add_name(std::string_view name, uint16_t field);

  Program& program_;
  const Message& message_;
  const Programs& programs_;
  std::vector<std::string> extension_names_;
};

void ProgramCompiler::compile_fields() {
  std::vector<FieldPlan>& plans = program_.field_storage_;
  PARLEY_ASSERT(message_.fields.size() < std::numeric_limits<uint16_t>::max());
  plans.reserve(message_.fields.size() + 1);
  for (const Field& field : message_.fields) plans.push_back(compile_field(field));
  std::sort(plans.begin(), plans.end(),
            [](const FieldPlan& a, const FieldPlan& b) { return a.number() < b.number(); });
  for (size_t i = 0; i < plans.size(); ++i) {
    plans[i].index = static_cast<uint16_t>(i);
    if (plans[i].field->required) program_.required_.push_back(plans[i].index);
    const contract::Oneof* const oneof = plans[i].field->oneof;
    if (oneof && !oneof->synthetic)
      plans[i].oneof_bit =
          static_cast<uint16_t>(plans.size() + static_cast<size_t>(oneof - message_.oneofs.data()));
  }
  const size_t bits = plans.size() + message_.oneofs.size();
  program_.seen_words_ = static_cast<uint32_t>(bits / 64 + 1);
  for (FieldPlan& plan : plans) plan.quick = quick_way(plan);
  program_.oneof_words_ = static_cast<uint32_t>((message_.oneofs.size() + 63) / 64);
  plans.emplace_back();  // no tag is 0: "the field that comes next" may always be looked at
  plans.back().index = static_cast<uint16_t>(plans.size() - 1);
  program_.fields_ = std::span(plans).first(plans.size() - 1);
}

FieldPlan ProgramCompiler::compile_field(const Field& field) const {
  FieldPlan plan;
  const bool map = field.map && is_entry(*field.message);
  plan.field = &field;
  // An extension that is not set is never written, a list neither (as protobuf's own printers do).
  plan.presence = (field.presence && !field.repeated) || field.extension;
  plan.group = field.delimited && !map;
  plan.shape = map ? Shape::Map : field.repeated ? Shape::List : Shape::Single;
  if (field.message) {
    plan.slot = &programs_.slots_[field.message->index];
    plan.programs = &programs_;
    plan.kind = map ? Kind::Message : message_kind(*field.message);
  } else {
    plan.kind = scalar_kind(field);
  }
  plan.packed = plan.shape == Shape::List && field.packed && !field.message &&
                wire_type(plan.kind) != WireType::Length;
  const auto number = static_cast<uint32_t>(field.number);
  plan.tag = make_tag(number, plan.group ? WireType::Start : wire_type(plan.kind));
  plan.read_types = read_types(plan);
  const uint32_t written = plan.packed ? make_tag(number, WireType::Length) : plan.tag;
  plan.quick_tag = written;
  plan.tag_size = static_cast<uint8_t>(put_varint(plan.tag_bytes, written) - plan.tag_bytes);
  return plan;
}

// Lays all keys into one text: `"name":`, escaped, since json_name may be any text.
void ProgramCompiler::compile_keys() {
  struct Place {
    size_t json, json_size, proto, proto_size;
  };
  std::string& text = program_.text_;
  std::vector<Place> places;
  const auto add = [&](std::string_view name) {
    text += ',';
    const size_t start = text.size();
    append_json_string(text, name);
    text += ':';
    return start;
  };
  for (const FieldPlan& plan : program_.fields_) {
    const Field& field = *plan.field;
    Place place{};
    if (field.extension) extension_names_.push_back("[" + std::string(field.full_name) + "]");
    place.json = add(field.extension ? extension_names_.back() : field.json_name);
    place.json_size = text.size() - place.json;
    place.proto = add(field.extension ? extension_names_.back() : field.name);
    place.proto_size = text.size() - place.proto;
    places.push_back(place);
  }
  text.append(kBytesPadding, '\0');
  for (size_t i = 0; i < places.size(); ++i) {
    FieldPlan& plan = program_.field_storage_[i];
    plan.json_key = std::string_view(text).substr(places[i].json, places[i].json_size);
    plan.proto_key = std::string_view(text).substr(places[i].proto, places[i].proto_size);
  }
}

void ProgramCompiler::compile_defaults() {
  std::string& text = program_.defaults_;
  for (FieldPlan& plan : program_.field_storage_) {
    plan.defaults_at = static_cast<uint32_t>(text.size());
    if (plan.field == nullptr || plan.presence) continue;
    text += ',';
    text += plan.json_key;
    text += default_json(plan);
  }
  text.append(kBytesPadding, '\0');
}

void ProgramCompiler::compile_names() {
  const size_t names = program_.fields_.size() * 2;
  program_.name_storage_.resize(std::bit_ceil(names * 2 + 1));
  program_.name_mask_ = static_cast<uint32_t>(program_.name_storage_.size() - 1);
  // JSON names win over declared names of other fields.
  for (const FieldPlan& plan : program_.fields_) {
    if (plan.field->extension)
      add_name(plan.json_name(), plan.index);
    else
      add_name(plan.field->json_name, plan.index);
  }
  for (const FieldPlan& plan : program_.fields_)
    if (!plan.field->extension) add_name(plan.field->name, plan.index);
  program_.names_ = program_.name_storage_;
}

void ProgramCompiler::add_name(std::string_view name, uint16_t field) {
  const uint32_t hash = name_hash(name);
  for (uint32_t i = hash;; ++i) {
    Program::NameSlot& slot = program_.name_storage_[i & program_.name_mask_];
    if (slot.name.data() == nullptr) {
      slot = {name, hash, field};
      return;
    }
    if (slot.name == name) return;
  }
}

void ProgramCompiler::compile_numbers() {
  const auto plans = program_.fields_;
  if (plans.empty()) return;
  const size_t top = plans.back().number();
  if (top > plans.size() * kDenseFactor + kDenseFree) return;
  program_.dense_storage_.resize(top + 1);
  for (const FieldPlan& plan : plans)
    program_.dense_storage_[plan.number()] = static_cast<uint16_t>(plan.index + 1);
  program_.dense_ = program_.dense_storage_;
}

const FieldPlan* Program::find(std::string_view key) const {
  const uint32_t hash = name_hash(key);
  for (uint32_t i = hash;; ++i) {
    const NameSlot& slot = names_[i & name_mask_];
    if (slot.name.data() == nullptr) return nullptr;
    if (slot.hash == hash && slot.name == key) return &fields_[slot.field];
  }
}

const FieldPlan* Program::find(uint32_t number) const {
  if (number < dense_.size()) {
    const uint16_t index = dense_[number];
    return index == 0 ? nullptr : &fields_[index - 1u];
  }
  if (!dense_.empty()) return nullptr;
  const auto found = std::lower_bound(
      fields_.begin(), fields_.end(), number,
      [](const FieldPlan& plan, uint32_t wanted) { return plan.number() < wanted; });
  return found != fields_.end() && found->number() == number ? &*found : nullptr;
}

const FieldPlan* Program::find(const Field& field) const {
  return find(static_cast<uint32_t>(field.number));
}

Programs::Programs(const contract::Contract& contract, const Programs* known)
    : contract_(&contract), known_(known), slots_(contract.messages().size()) {}

Programs::~Programs() {
  for (const ProgramSlot& slot : slots_) delete slot.load(std::memory_order_acquire);
}

// Takes some microseconds, once for each message type.
const Program& Programs::compile(const Message& message) const {
  auto fresh = std::make_unique<Program>();
  ProgramCompiler(*fresh, message, *this).compile();
  const Program* present = nullptr;
  if (slots_[message.index].compare_exchange_strong(present, fresh.get(),
                                                    std::memory_order_acq_rel))
    return *fresh.release();
  return *present;  // another shard was quicker
}

size_t Programs::compiled() const {
  return static_cast<size_t>(std::ranges::count_if(slots_, [](const ProgramSlot& slot) {
    return slot.load(std::memory_order_relaxed) != nullptr;
  }));
}

const Program* Programs::find(std::string_view full_name) const {
  if (const Message* message = contract_->find_message(full_name)) return &of(*message);
  return known_ ? known_->find(full_name) : nullptr;
}

}  // namespace parley::wire
