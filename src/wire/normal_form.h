#pragma once

#include <cstdint>
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

  // `Same`: `wire` is in normal form, `out` is untouched. `Changed`: appended to `out`.
  Answer make(const Program& program, std::string_view wire, ByteBuffer& out);

  size_t retained() const;

 private:
  struct Occurrence {
    const FieldPlan* plan;
    const char* begin;         // of the tag
    std::string_view content;  // of a submessage
    const char* end;
    uint32_t order;
  };

  bool collect(const Program& program, std::string_view wire);
  void keep_last_members(const Program& program);
  bool in_order() const;
  bool pieces_are_whole() const;
  void keep_last_entries();
  void write(ByteBuffer& out) const;
  size_t write_field(size_t from, ByteBuffer& out) const;

  // Of a oneof: its member that came last, and where its last uninterrupted run begins.
  struct Last {
    const FieldPlan* plan = nullptr;
    uint32_t from = 0;
  };

  std::vector<Occurrence> found_;
  std::vector<Last> last_;  // by oneof
  std::vector<bool> gone_;  // parallel to `found_`
  std::string keys_;
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

// Appends a key's bytes in a form that is equal just when the keys are.
void append_canonical_key(const FieldPlan& plan, std::string_view key, std::string& to);

// Whether `number` is a value of the field's closed enum, or the enum is open.
bool known_enum_value(const FieldPlan& plan, uint64_t number);

}  // namespace parley::wire
