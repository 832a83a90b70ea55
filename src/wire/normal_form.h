#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "wire/key_set.h"
#include "wire/program.h"

namespace parley::wire {

// Brings messages, each without what is inside of its submessages, into the form that the JSON
// writer takes in one pass: fields in the order of their numbers, each singular field once, of a
// oneof the last member, the pieces of a submessage joined (concatenation merges them: Protocol
// Buffers, "Encoding", Last One Wins), each key of a map once, unknown fields gone. It keeps the
// memory that it works in.
class NormalForm {
 public:
  enum class Answer : uint8_t { Same, Changed, Malformed };

  // `Same`: `wire` is in normal form, `out` is untouched. `Changed`: appended to `out`. It works in
  // 12 to 36 bytes for each field of a message that has some out of order, or each run of elements
  // of a list, and in up to 64 for each key of a map.
  Answer make(const Program& program, std::string_view wire, ByteBuffer& out);

  size_t retained() const;

 private:
  // A field as it is there, or elements of a list that stand behind each other.
  struct Occurrence {
    uint32_t field;  // by FieldPlan::index
    uint32_t begin;  // in `wire_`, of the tag
    uint32_t end;
  };

  // Of a oneof: its member that came last, and where its last uninterrupted run begins.
  struct Last {
    const FieldPlan* plan = nullptr;
    uint32_t from = 0;
  };

  Answer look(const Program& program, std::string_view wire);
  Answer rebuild(const Program& program, std::string_view wire, ByteBuffer& out);
  bool note_entry(const FieldPlan& map, std::string_view entry, std::string_view wire);
  void collect(const Program& program);
  void keep_last_members();
  void keep_last_entries();
  bool pieces_are_whole() const;
  void write(ByteBuffer& out) const;
  size_t write_field(size_t from, ByteBuffer& out) const;

  const FieldPlan& plan_of(const Occurrence& one) const { return fields_[one.field]; }
  std::string_view bytes_of(const Occurrence& one) const {
    return wire_.substr(one.begin, one.end - one.begin);
  }
  std::string_view content_of(const Occurrence& one) const;

  // Of the message that is being rebuilt.
  std::string_view wire_;
  std::span<const FieldPlan> fields_;
  std::vector<Occurrence> found_;

  std::vector<Last> last_;  // by oneof
  std::string keys_;        // of numbers
  KeySet key_set_;
};

// The content of a map entry: last one wins. `key` and `value` stand behind their tags. False:
// malformed.
struct MapEntry {
  std::string_view key;       // the bytes of the value, without its tag; data() null: absent
  std::string_view value;     // of a submessage: its content
  bool disorder = false;      // key or value is there twice, or the key is behind the value
  bool unknown_enum = false;  // the value is no value of its closed enum: the entry is unknown
};
bool read_map_entry(const Program& entry, std::string_view wire, MapEntry& result);

// Adds a key, which is part of `wire`, to those that a map has had so far; false: it is there
// already. The others lie in `wire`, too, or in `numbers` if they are no strings.
bool add_map_key(const FieldPlan& plan, std::string_view key, std::string_view wire,
                 std::string& numbers, KeySet& known);

// Whether `number` is a value of the field's closed enum, or the enum is open.
bool known_enum_value(const FieldPlan& plan, uint64_t number);

}  // namespace parley::wire
