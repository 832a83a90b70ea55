#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/json_cursor.h"
#include "wire/json_skipper.h"
#include "wire/json_to_wire.h"
#include "wire/key_set.h"
#include "wire/number_text.h"
#include "wire/well_known_text.h"
#include "wire/wire_builder.h"

namespace parley::wire {

// The machine behind json_to_wire: an explicit stack of frames, one for each JSON object or array
// that is open, each with the program that says what it may hold. It reads the text once from left
// to right and writes wire bytes as it goes.
//
// json_reader.cc: frames, names and shapes. json_reader_plain.cc: the quick way of most of them.
// json_reader_values.cc: scalars and the messages that look like one. json_reader_any.cc:
// google.protobuf.Any. json_reader_bound.cc: bound values.

// What ends with a value: `inner` length prefixes, then the end tag of a group, then `outer` ones.
struct JsonEnding {
  uint8_t inner = 0;
  uint8_t outer = 0;
  const FieldPlan* group = nullptr;
};

struct JsonFrame {
  enum class Kind : uint8_t {
    Message,   // an object that is a message
    List,      // an array of one field's values
    Map,       // an object of one field's entries
    AnyValue,  // an object with "@type" and "value"
  };
  Kind kind = Kind::Message;
  bool first = true;        // nothing has been read in it yet
  bool any = false;         // a Message inside of an Any: "@type" is one of its keys
  bool type_seen = false;   // of an Any: that key has been passed
  bool value_seen = false;  // AnyValue: "value" has been
  JsonEnding ending;        // what is to be written behind it
  uint8_t bound_depth = 0;  // steps of the bound paths that lead here
  uint32_t seen = 0;        // Message: where its bits begin. Map: which key set is its own
  uint32_t next = 0;        // Message: the field that is expected next. List, Map: elements so far
  const Program* program = nullptr;  // Message: itself. AnyValue: of the value; null: base64
  const FieldPlan* field = nullptr;  // Message: being read. List, Map: whose values these are
  std::string_view key;              // Map: of the entry being read, for messages
  uint64_t bound = 0;                // the bound values that lie in it, as bits
  uint32_t unknown = 0;  // Message: its number among those with unknown members; 0: none
};

// Memory that readers of one thread hand on, so that a message needs none of its own.
struct JsonReaderScratch {
  std::vector<JsonFrame> frames;
  std::vector<uint64_t> seen;
  std::vector<LengthPrefix> prefixes;
  std::vector<KeySet> key_sets;
  std::string text;
  std::string path;           // of a FieldMask
  KeySet unknown;             // members that were passed over, of all messages
  std::string unknown_names;  // each behind the number of its message
  JsonSkipper skipper;

  size_t retained() const;
};

// Looking for the "@type" of an Any passes over what stands before it, again for each Any inside:
// all together at most so many times the text, and so many bytes more.
inline constexpr size_t kAnyScanFactor = 8;
inline constexpr size_t kAnyScanFree = 64 * 1024;

class JsonReader {
 public:
  JsonReader(std::string_view json, const JsonReadOptions& options, ByteBuffer& out,
             JsonReaderScratch& scratch);

  // Legal calls: one of these, once. The whole text is one message, or one field's value.
  Result<void> read_message(const Program& program);
  Result<void> read_field(const Program& parent, const FieldPlan& plan);

 private:
  enum class Outcome : uint8_t { Done, Skipped, Failed };  // of a value: written, left out

  Result<void> complete(bool ok);
  Failure failure() const;
  std::string path_of_problem() const;

  // Frames.
  bool run();
  JsonFrame* push(JsonFrame::Kind kind, JsonEnding ending);
  void pop();
  void end(const JsonEnding& ending);
  bool separator(JsonFrame& frame, char close, bool& ended);
  bool members(JsonFrame& frame);
  bool elements(JsonFrame& frame);
  bool entries(JsonFrame& frame);
  bool any_members(JsonFrame& frame);
  bool end_message(JsonFrame& frame);
  void open_repeated(JsonFrame& frame, const FieldPlan& plan);

  // json_reader_plain.cc: as many frequent members or elements as come, and no problem.
  void plain_members(JsonFrame& frame);
  void plain_elements(JsonFrame& frame);

  // Names and fields.
  const FieldPlan* member_name(JsonFrame& frame);
  const FieldPlan* colon_behind(JsonFrame& frame, const FieldPlan& plan);
  bool unknown_member(JsonFrame& frame, std::string_view name, const char* at);
  bool skip_unknown(JsonFrame& frame, std::string_view name, const char* at);
  bool skip_member(std::string_view name, uint32_t depth);
  bool fail_unknown(const char* at, std::string_view name, std::string problem);
  bool note_seen(JsonFrame& frame, const FieldPlan& plan, const char* at);
  bool member_value(JsonFrame& frame, const FieldPlan& plan, const char* name_at);
  bool note_oneof(JsonFrame& frame, const FieldPlan& plan, const char* at);
  bool field_value(const FieldPlan& plan, uint64_t bound, uint8_t bound_depth);
  bool entry_key(JsonFrame& frame, const FieldPlan& key);
  bool entry_value(const FieldPlan& value, const WireBuilder::Mark& mark);

  // Values. The tag is written already, or there is none (packed).
  bool single(const FieldPlan& plan, uint64_t bound, uint8_t bound_depth);
  JsonEnding begin_message(const FieldPlan& plan);
  bool message(const Program& program, JsonEnding ending, uint64_t bound, uint8_t bound_depth);
  bool bare(const Program& program, JsonEnding ending);
  bool dynamic_value(const Program& program, JsonEnding ending);
  bool any(JsonEnding ending);
  Outcome scalar(const FieldPlan& plan);
  bool scalar_text(Kind kind, std::string_view text);
  bool null_value();
  bool integer(Kind kind);
  bool whole_to_wire(Kind kind, const WholeNumber& number);
  bool floating(Kind kind);
  template <typename T>
  bool floating_as(Kind kind);
  template <typename T>
  static NumberProblem read_floating(const char*& at, const char* end, T& value);
  bool boolean();
  Outcome enumeration(const FieldPlan& plan);
  bool string();
  bool escaped_string(const char* start, const char* at);
  bool bytes();
  bool time(Kind kind);
  bool field_mask();
  void put_time(const TimeParts& time);

  // Any.
  struct AnyType {
    std::string_view url;
    const char* at = nullptr;  // where it stands; null: the Any is empty
  };
  bool find_type(AnyType& type);
  const Program* resolve_type(const AnyType& type);
  bool any_type_member(JsonFrame& frame, const char* at);
  bool any_value_member(JsonFrame& frame, const char* at);

  // Bound values.
  uint64_t all_bound() const;
  uint64_t bound_inside(const FieldPlan& plan, uint64_t bound, uint8_t depth, int& leaf) const;
  void note_bound_members(const JsonFrame& frame);
  bool bound_leaf(const FieldPlan& plan, const BoundValue& value);

  void put_tag(const FieldPlan& plan) {
    char* const to = builder_.room(sizeof plan.tag_bytes);
    std::memcpy(to, plan.tag_bytes, sizeof plan.tag_bytes);
    builder_.advance(to + plan.tag_size);
  }
  template <typename T>
  void put_fixed(T value) {
    char* const to = builder_.room(sizeof value);
    std::memcpy(to, &value, sizeof value);  // little-endian, as the wire
    builder_.advance(to + sizeof value);
  }
  bool is_null(const FieldPlan& plan);
  bool null(const FieldPlan& plan);
  bool null_inside(const FieldPlan& plan, std::string_view what);
  bool wanted(Kind kind);
  bool wanted(const FieldPlan& plan);
  bool number_problem(Kind kind, NumberProblem problem);

  JsonCursor cursor_;
  const JsonReadOptions& options_;
  WireBuilder builder_;
  JsonReaderScratch& scratch_;
  std::vector<JsonFrame>& frames_;
  const Programs* any_types_ = nullptr;
  const FieldPlan* root_field_ = nullptr;  // of read_field
  std::string unknown_name_;               // behind the frames: what no frame stands for
  uint32_t maps_open_ = 0;
  uint32_t unknown_messages_ = 0;  // messages with unknown members so far
  size_t any_scan_left_;           // bytes that looking for "@type" may still pass over
};

// The scratch memory of this thread, taken for as long as the lease lives.
class JsonReaderLease {
 public:
  JsonReaderLease();
  ~JsonReaderLease();
  JsonReaderLease(const JsonReaderLease&) = delete;
  JsonReaderLease& operator=(const JsonReaderLease&) = delete;
  JsonReaderScratch& operator*() const { return *scratch_; }

 private:
  std::unique_ptr<JsonReaderScratch> scratch_;
};

// "a string", "a whole number from ...": what a value's JSON has to be.
std::string_view expected_json(Kind kind);
// The same of a field's element, where it is a list or a map: a wrapper is as its value.
std::string_view expected_element(const FieldPlan& plan);

}  // namespace parley::wire
