#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/key_set.h"
#include "wire/normal_form.h"
#include "wire/output_cursor.h"
#include "wire/wire_reader.h"
#include "wire/wire_to_json.h"

namespace parley::wire {

// The machine behind wire_to_json: an explicit stack of frames, one for each message that is open.
// It reads the wire once from left to right and writes JSON as it goes, which works as long as no
// field comes back after others (as nearly all serializers write). When one does, the pass ends
// with `Disorder`, and a second, careful pass brings each message into normal form first: so an
// input costs at most two passes, however it is nested.
//
// json_writer.cc: frames, fields, lists and maps. json_writer_plain.cc: the quick way of most of
// them. json_writer_values.cc: what stands for one value.

struct WriteFrame {
  WireReader reader;
  const Program* program = nullptr;
  const FieldPlan* field = nullptr;  // being written: for the path of a failure
  const FieldPlan* open = nullptr;   // the list or map whose bracket is open
  const FieldPlan* only = nullptr;   // write the value of this field and nothing else
  const FieldSelection::Node* selection = nullptr;  // write these fields only; null: all
  uint32_t seen = 0;                                // where the bits of its oneofs begin
  uint32_t keys = 0;                                // where the keys of the open map begin
  uint32_t next = 0;          // fields before it have been written, or their defaults
  uint16_t any_ends = 0;      // `}` of Any objects around it
  bool bare = false;          // neither braces nor names: well-known types
  bool plain = false;         // fields of an object, and no option that changes their look
  bool first = true;          // nothing has been written in it yet
  bool first_element = true;  // of `open`
  bool counted = false;       // towards depth_max: its JSON has brackets
  uint8_t owned_forms = 0;    // of the normal forms, the last ones, which it reads from
};

// Memory that writers of one thread hand on, so that a message needs none of its own.
struct JsonWriterScratch {
  std::vector<WriteFrame> frames;
  std::vector<uint64_t> seen;
  std::vector<KeySet> key_sets;  // by depth of frames
  std::string keys;
  std::string text;
  std::string path;
  NormalForm normal;
  std::vector<ByteBuffer> normal_forms;  // of the open frames that own some, then spare ones
  size_t retained() const;
};

// Normal forms may take so many times the message's size, and so many bytes more.
inline constexpr size_t kNormalFactor = 16;
inline constexpr size_t kNormalFree = 1024 * 1024;

class JsonWriter {
 public:
  enum class Pass : uint8_t { Quick, Careful };
  enum class Ended : uint8_t { Done, Disorder, Failed, More };

  JsonWriter(std::string_view wire, const JsonWriteOptions& options, ByteBuffer& out,
             JsonWriterScratch& scratch, Pass pass);

  // Legal calls: one of these, once; then `failure` when it has failed.
  Ended write_message(const Program& program);
  Ended write_field(const Program& program, const FieldPlan& only);
  Failure failure() const;

  // Or, of a careful writer, piece by piece: begin_message or begin_field, once, and then
  // `write_piece` as long as it gives More. A piece has `bytes` bytes, and a little more: it ends
  // between two elements. What was written may be taken from the buffer in between.
  void begin_message(const Program& program);
  void begin_field(const Program& program, const FieldPlan& only);
  Ended write_piece(size_t bytes);

 private:
  // Where the quick loops are not to be interrupted: they write some times as much as they read.
  static constexpr size_t kPlainPieceMax = 16 * 1024;

  Ended complete(bool ok);
  bool open_message(const Program& program);
  bool open_field(const Program& program, const FieldPlan& only);
  bool paused() const { return out_.size() >= pause_at_; }

  // Frames.
  bool run();
  bool fields(WriteFrame& frame);
  bool one_field(WriteFrame& frame);
  bool field(WriteFrame& frame, const FieldPlan& plan);
  bool push(const Program& program, std::string_view wire, bool bare, uint16_t any_ends);
  bool end_message(WriteFrame& frame);
  void pop();
  bool normalize(const Program& program, std::string_view& wire, uint8_t& owned);
  void drop_form();
  const FieldSelection::Node* selection_below() const;
  bool wanted(WriteFrame& frame, const FieldPlan& plan);

  // Fields.
  bool single(WriteFrame& frame, const FieldPlan& plan);
  bool begin_repeated(WriteFrame& frame, const FieldPlan& plan);
  void end_repeated(WriteFrame& frame);
  void next_element(WriteFrame& frame);
  bool list(WriteFrame& frame, const FieldPlan& plan);
  bool packed(WriteFrame& frame, const FieldPlan& plan);
  bool packed_elements(WriteFrame& frame, const FieldPlan& plan);
  bool entry(WriteFrame& frame, const FieldPlan& plan);
  bool entry_key(const FieldPlan& plan, std::string_view key);
  bool key_text(Kind kind, WireReader& reader);
  bool entry_value(const FieldPlan& plan, const MapEntry& entry);
  bool note_seen(WriteFrame& frame, const FieldPlan& plan);
  bool note_member(WriteFrame& frame, const FieldPlan& plan);
  bool pass_defaults(WriteFrame& frame, uint32_t index);
  bool unknown_enum(const FieldPlan& plan, WireReader& reader) const;
  void name(WriteFrame& frame, const FieldPlan& plan);
  bool default_value(const FieldPlan& plan);
  bool absent_value(const FieldPlan& plan);

  // json_writer_plain.cc: frequent fields of ordinary objects.
  struct Pen;
  bool plain_fields(WriteFrame& frame);
  Pen plain_enter(const WriteFrame& frame, const FieldPlan*& next) const;
  void plain_leave(const Pen& pen, WriteFrame& frame, const FieldPlan* next);
  char* plain_room(char* at, size_t count);
  void plain_defaults(Pen& pen, const Program& program, const FieldPlan& from, const FieldPlan& to);
  void plain_name(Pen& pen, const Program& program, const FieldPlan& plan, const FieldPlan* next);
  bool plain_value(Pen& pen, WriteFrame& frame, const FieldPlan& plan);
  bool plain_number(Pen& pen, const FieldPlan& plan, Kind kind);
  bool plain_bits(Pen& pen, const FieldPlan& plan, Kind kind, uint64_t bits);
  template <Kind kKind>
  Pen plain_numbers_of(Pen pen, const FieldPlan& plan);
  Pen plain_numbers(const Pen& pen, const FieldPlan& plan);
  bool plain_string(Pen& pen);
  bool plain_time(Pen& pen, const FieldPlan& plan);
  bool plain_packed(Pen& pen, WriteFrame& frame, const FieldPlan& plan);
  bool plain_strings(Pen& pen, const FieldPlan& plan);
  bool plain_open(Pen& pen, WriteFrame& frame, const FieldPlan& plan);
  bool plain_push(Pen& pen, WriteFrame& frame, const FieldPlan& plan);
  void plain_close(Pen& pen, WriteFrame& frame);

  // Values.
  bool scalar(const FieldPlan& plan, WireReader& reader);
  bool scalar_bits(const FieldPlan& plan, uint64_t bits);
  template <typename T>
  void number(T value);
  template <typename T>
  void long_number(T value);
  template <typename T>
  bool floating(T value);
  void enumeration(const FieldPlan& plan, int32_t number);
  bool string(std::string_view text);      // 64 bytes after its end are readable
  bool own_string(std::string_view text);  // none are
  bool invalid_text(std::string_view text);
  void escaped(std::string_view text);
  void bytes(std::string_view content);
  bool message(const Program& program, std::string_view wire, uint16_t any_ends);
  bool time(Kind kind, std::string_view wire);
  bool field_mask(std::string_view wire);
  bool any(std::string_view wire, uint16_t any_ends);
  bool unknown_any(std::string_view type_url, std::string_view value, uint16_t any_ends);
  bool type_member(std::string_view type_url);
  void value_name();
  void end_any(uint16_t any_ends);

  // Text.
  void open_bracket(char c);
  void close_bracket(char c, bool empty);
  void new_line();
  void quoted_key(std::string_view key);

  bool malformed(const char* what);
  bool disorder() {
    disorder_ = true;
    return false;
  }

  const std::string_view wire_;
  const JsonWriteOptions& options_;
  OutputCursor out_;
  JsonWriterScratch& scratch_;
  std::vector<WriteFrame>& frames_;
  size_t normal_forms_ = 0;  // of the scratch's, in use
  size_t normal_left_;
  WireReader packed_;  // the elements of the open packed list that are left
  size_t pause_at_ = SIZE_MAX;
  size_t plain_max_ = SIZE_MAX;  // bytes of a message that the quick loops may write
  bool begun_ = true;            // what was begun to be written in pieces could be opened
  uint32_t indent_ = 0;
  uint32_t depth_ = 0;  // frames that count
  const bool careful_;
  const bool plain_;  // neither pretty nor with other forms than ProtoJSON's own
  bool disorder_ = false;
  const Programs* any_types_ = nullptr;
  std::string problem_;
};

// The scratch memory of this thread, taken for as long as the lease lives.
class JsonWriterLease {
 public:
  JsonWriterLease();
  ~JsonWriterLease();
  JsonWriterLease(const JsonWriterLease&) = delete;
  JsonWriterLease& operator=(const JsonWriterLease&) = delete;
  JsonWriterScratch& operator*() const { return *scratch_; }

 private:
  std::unique_ptr<JsonWriterScratch> scratch_;
};

}  // namespace parley::wire
