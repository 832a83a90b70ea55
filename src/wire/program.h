#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/model.h"
#include "wire/wire_format.h"

namespace parley::wire {

class Program;
class Programs;

// How one value of a field looks in JSON and on the wire. The special messages of ProtoJSON have
// kinds of their own; `Bare` ones are written as the value of their field 1: the wrappers, Struct
// and ListValue.
enum class Kind : uint8_t {
  Double,
  Float,
  Int32,
  Int64,
  Uint32,
  Uint64,
  Sint32,
  Sint64,
  Fixed32,
  Fixed64,
  Sfixed32,
  Sfixed64,
  Bool,
  Enum,
  NullValue,
  String,
  Bytes,
  Message,
  Bare,
  Value,
  Any,
  Timestamp,
  Duration,
  FieldMask,
};
constexpr bool is_message(Kind kind) { return kind >= Kind::Message; }

// One value on the wire of a kind that is no group.
constexpr WireType wire_type(Kind kind) {
  switch (kind) {
    case Kind::Double:
    case Kind::Fixed64:
    case Kind::Sfixed64: return WireType::Fixed64;
    case Kind::Float:
    case Kind::Fixed32:
    case Kind::Sfixed32: return WireType::Fixed32;
    case Kind::String:
    case Kind::Bytes: return WireType::Length;
    default: return is_message(kind) ? WireType::Length : WireType::Varint;
  }
}

enum class Shape : uint8_t { Single, List, Map };

// What the writer's quick loop does with a field by itself; `None`: it leaves it to slower code.
enum class Quick : uint8_t {
  None,
  Number,    // or a bool, single
  String,    // single
  Time,      // a Timestamp or a Duration, single
  Packed,    // numbers or bools
  Strings,   // a list
  Message,   // an object, single
  Messages,  // a list of objects
};

// Where the program of one message type is, once somebody has needed it; null before.
using ProgramSlot = std::atomic<const Program*>;

// What the two directions need to know of one field, flat, in the order of the numbers.
struct FieldPlan {
  Kind kind = Kind::Int32;
  Shape shape = Shape::Single;
  bool presence = false;  // whether unset differs from the default; of every extension
  bool packed = false;    // lists of scalars: how they are written; both forms are read
  bool group = false;     // a message between start and end tags
  uint8_t tag_size = 0;
  uint16_t index = 0;      // of this plan: the bit that says "seen"
  uint16_t oneof_bit = 0;  // 0: in no oneof; else the bit that says "a member was seen"
  Quick quick = Quick::None;
  uint8_t read_types = 0;  // wire types whose values are the field's, as bits 1 << WireType
  uint32_t quick_tag = 0;  // what stands before values that `quick` reads
  uint32_t tag = 0;        // number << 3 | the wire type of one value, unpacked
  char tag_bytes[5] = {};  // `tag` as a varint (maps and packed lists: of wire type Length)
  // `"lowerCamel":` and `"declared_name":`, ready to be copied: a comma stands before each, and 64
  // readable bytes after it.
  std::string_view json_key;
  std::string_view proto_key;
  uint32_t defaults_at = 0;           // of Program::defaults(): its own text and those behind it
  const ProgramSlot* slot = nullptr;  // messages and maps (the entry); else null
  const Programs* programs = nullptr;
  const contract::Field* field = nullptr;

  // Of a message, or of a map's entry. REQUIRES: it is one.
  const Program& message() const;

  // The name that a JSON key is expected to have, without quotes.
  std::string_view json_name() const { return json_key.substr(1, json_key.size() - 3); }
  // The name in a failure's path.
  std::string_view path_name() const { return field->extension ? field->json_name : field->name; }
  uint32_t number() const { return tag >> 3; }
  // Whether a value of this wire type is the field's; a list of scalars is read packed or not.
  bool reads(WireType type) const { return read_types >> static_cast<unsigned>(type) & 1; }
};

// One message type, compiled: what JSON and wire need to know of it, in flat tables. Immutable.
class Program {
 public:
  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  const contract::Message& message() const { return *message_; }
  const Programs& programs() const { return *programs_; }
  Kind kind() const { return kind_; }  // how a value of this message looks: Message, Bare, Any ...
  std::span<const FieldPlan> fields() const { return fields_; }

  // The field that a JSON key names: lowerCamel, declared name or `[extension.full_name]`.
  // nullptr: none.
  const FieldPlan* find(std::string_view key) const;
  const FieldPlan* find(uint32_t number) const;
  const FieldPlan* find(const contract::Field& field) const;

  // Bits that a message being read needs: one for each field, then one for each oneof.
  uint32_t seen_words() const { return seen_words_; }
  // The same for each oneof alone, from bit 0.
  uint32_t oneof_words() const { return oneof_words_; }
  uint32_t oneof_of(const FieldPlan& plan) const {
    return plan.oneof_bit - static_cast<uint32_t>(fields_.size());
  }

  // `,"name":default` of the fields `from` up to `to`, but of those with presence, with the names
  // and forms that ProtoJSON has by itself.
  std::string_view defaults(uint32_t from, uint32_t to) const {
    const uint32_t begin = fields_.data()[from].defaults_at;
    return std::string_view(defaults_).substr(begin, fields_.data()[to].defaults_at - begin);
  }

  // Indexes of required fields (proto2).
  std::span<const uint16_t> required() const { return required_; }

 private:
  friend class ProgramCompiler;
  struct NameSlot {
    std::string_view name;
    uint32_t hash = 0;
    uint16_t field = 0;
  };

  const contract::Message* message_ = nullptr;
  const Programs* programs_ = nullptr;
  Kind kind_ = Kind::Message;
  uint32_t seen_words_ = 1;
  uint32_t oneof_words_ = 0;
  uint32_t name_mask_ = 0;
  std::span<const FieldPlan> fields_;  // behind the last one is another, of tag 0
  std::span<const NameSlot> names_;    // open addressing, a power of two
  std::span<const uint16_t> dense_;    // by number, for small numbers: index + 1
  std::vector<FieldPlan> field_storage_;
  std::vector<NameSlot> name_storage_;
  std::vector<uint16_t> dense_storage_;
  std::vector<uint16_t> required_;
  std::string text_;      // the keys, with padding
  std::string defaults_;  // with padding
};

// The programs of every message of a contract; owned by the contract's snapshot. Each is compiled
// when it is first asked for, since of a large contract few are; it is immutable from then on, and
// every shard uses the same one. No lock: of shards that compile the same program at the same time
// the first one's stays.
class Programs {
 public:
  // `contract` outlives the programs. `known`, which may be null and outlives them too, resolves
  // the types of google.protobuf.Any that the contract does not have (google.rpc's, for one).
  explicit Programs(const contract::Contract& contract, const Programs* known = nullptr);
  ~Programs();
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  const contract::Contract& contract() const { return *contract_; }

  // REQUIRES: `message` is of this contract.
  const Program& of(const contract::Message& message) const {
    const Program* const program = slots_[message.index].load(std::memory_order_acquire);
    return program ? *program : compile(message);
  }

  // For Any: in this contract, else in the known types. nullptr: none has it.
  const Program* find(std::string_view full_name) const;

  // How many were compiled so far.
  size_t compiled() const;

 private:
  friend class ProgramCompiler;
  const Program& compile(const contract::Message& message) const;

  const contract::Contract* contract_;
  const Programs* known_;
  mutable std::vector<ProgramSlot> slots_;  // by Message::index; each changes once, from null
};

inline const Program& FieldPlan::message() const {
  const Program* const program = slot->load(std::memory_order_acquire);
  return program ? *program : programs->of(*field->message);
}

}  // namespace parley::wire
