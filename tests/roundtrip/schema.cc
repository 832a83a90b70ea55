#include "roundtrip/schema.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

namespace parley::roundtrip {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::EnumDescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using F = FieldDescriptorProto;

constexpr int kNumberMax = (1 << 29) - 1;
constexpr int kReservedFirst = 19'000;  // numbers that protobuf keeps for itself
constexpr int kReservedLast = 19'999;

constexpr F::Type kScalars[] = {
    F::TYPE_DOUBLE,   F::TYPE_FLOAT,  F::TYPE_INT64,  F::TYPE_UINT64,  F::TYPE_INT32,
    F::TYPE_FIXED64,  F::TYPE_STRING, F::TYPE_BYTES,  F::TYPE_FIXED32, F::TYPE_BOOL,
    F::TYPE_SFIXED32, F::TYPE_UINT32, F::TYPE_SINT32, F::TYPE_SINT64,  F::TYPE_SFIXED64,
};
constexpr F::Type kKeys[] = {F::TYPE_STRING,  F::TYPE_INT32,    F::TYPE_INT64,   F::TYPE_UINT32,
                             F::TYPE_UINT64,  F::TYPE_SINT32,   F::TYPE_SINT64,  F::TYPE_FIXED32,
                             F::TYPE_FIXED64, F::TYPE_SFIXED32, F::TYPE_SFIXED64};
constexpr const char* kWellKnown[] = {
    "Any",         "Duration",    "Empty",      "FieldMask",  "ListValue",  "Struct",
    "Timestamp",   "Value",       "BoolValue",  "BytesValue", "FloatValue", "DoubleValue",
    "StringValue", "UInt64Value", "Int64Value", "Int32Value", "UInt32Value"};
constexpr const char* kImports[] = {"any",    "duration",  "empty",   "field_mask",
                                    "struct", "timestamp", "wrappers"};

class Schema {
 public:
  explicit Schema(simulation::Draw& draw) : draw_(draw), proto3_(draw.percent(60)) {}

  FileDescriptorProto make() {
    file_.set_name("r.proto");
    file_.set_package("r");
    file_.set_syntax(proto3_ ? "proto3" : "proto2");
    for (const char* const import : kImports)
      file_.add_dependency(fmt::format("google/protobuf/{}.proto", import));
    enum_count_ = static_cast<int>(draw_.between(1, 3));
    message_count_ = static_cast<int>(draw_.between(1, 6));
    for (int i = 0; i < enum_count_; ++i) add_enum(i);
    for (int i = 0; i < message_count_; ++i) add_message(i);
    return std::move(file_);
  }

 private:
  void add_enum(int index) {
    EnumDescriptorProto& one = *file_.add_enum_type();
    one.set_name(fmt::format("E{}", index));
    const auto count = draw_.between(1, 8);
    const bool aliases = count > 1 && draw_.one_in(4);
    if (aliases) one.mutable_options()->set_allow_alias(true);
    int number = 0;
    for (uint64_t i = 0; i < count; ++i) {
      auto& value = *one.add_value();
      value.set_name(fmt::format("E{}_V{}", index, i));
      value.set_number(aliases && i == 1 ? 0 : number);
      number = number > 0 && draw_.one_in(3) ? -number : std::abs(number) + 1;
    }
  }

  void add_message(int index) {
    DescriptorProto& message = *file_.add_message_type();
    message.set_name(fmt::format("M{}", index));
    number_ = 0;
    const auto style = draw_.below(4);  // of the numbers
    if (index == 0) add_roomy_fields(message);
    for (uint64_t left = draw_.one_in(8) ? draw_.between(40, 150) : draw_.between(1, 20); left > 0;
         --left) {
      number_ = next_number(style);
      add_field(message);
    }
    add_synthetic_oneofs(message);
  }

  // So that every size can be filled.
  void add_roomy_fields(DescriptorProto& message) {
    for (const F::Type type : {F::TYPE_STRING, F::TYPE_INT64, F::TYPE_MESSAGE}) {
      F& field = name_field(message);
      field.set_label(F::LABEL_REPEATED);
      field.set_type(type);
      if (type == F::TYPE_MESSAGE) field.set_type_name(".r.M0");
    }
  }

  int next_number(uint64_t style) {
    int next = number_ + 1;
    if (style == 1) next += static_cast<int>(draw_.below(5));
    if (style == 2) next += static_cast<int>(draw_.below(100'000));
    if (style == 3 && draw_.one_in(10)) next += static_cast<int>(draw_.below(3'000'000));
    if (next >= kReservedFirst && next <= kReservedLast) next = kReservedLast + 1;
    return std::min(next, kNumberMax);
  }

  // A field that has a name and a number, and its label.
  F& name_field(DescriptorProto& message) {
    if (number_ == 0) number_ = 1;
    const int index = message.field_size();
    if (index > 0) number_ = std::max(number_, message.field(index - 1).number() + 1);
    F& field = *message.add_field();
    const auto style = draw_.below(4);
    field.set_name(style == 0   ? fmt::format("f{}", index)
                   : style == 1 ? fmt::format("some_longer_name_{}", index)
                   : style == 2 ? fmt::format("Camel{}", index)
                                : fmt::format("_a__b_{}", index));
    if (draw_.one_in(12)) field.set_json_name(fmt::format("@ é {}", index));
    field.set_number(number_);
    field.set_label(F::LABEL_OPTIONAL);
    return field;
  }

  void add_field(DescriptorProto& message) {
    F& field = name_field(message);
    if (draw_.one_in(8)) return make_map(message, field);
    if (!proto3_ && draw_.one_in(10)) return make_group(message, field);
    choose_type(field);
    if (draw_.one_in(3)) return make_list(field);
    if (draw_.one_in(4)) return join_oneof(message, field);
    const bool scalar = field.type() != F::TYPE_MESSAGE;
    if (proto3_ && draw_.one_in(3)) field.set_proto3_optional(true);
    if (!proto3_ && scalar && draw_.one_in(8)) field.set_label(F::LABEL_REQUIRED);
  }

  void choose_type(F& field) {
    const auto kind = draw_.below(10);
    if (kind < 6) return field.set_type(kScalars[draw_.below(std::size(kScalars))]);
    if (kind == 6) {
      field.set_type(F::TYPE_ENUM);
      const auto index = draw_.below(static_cast<uint64_t>(enum_count_) + 1);
      field.set_type_name(index == 0 ? ".google.protobuf.NullValue"
                                     : fmt::format(".r.E{}", index - 1));
      return;
    }
    field.set_type(F::TYPE_MESSAGE);
    field.set_type_name(
        kind == 7
            ? fmt::format(".google.protobuf.{}", kWellKnown[draw_.below(std::size(kWellKnown))])
            : fmt::format(".r.M{}", draw_.below(static_cast<uint64_t>(message_count_))));
  }

  void make_list(F& field) {
    field.set_label(F::LABEL_REPEATED);
    const bool packable = field.type() != F::TYPE_STRING && field.type() != F::TYPE_BYTES &&
                          field.type() != F::TYPE_MESSAGE;
    if (packable && draw_.one_in(2)) field.mutable_options()->set_packed(draw_.one_in(2));
  }

  // Members of a oneof stand side by side.
  void join_oneof(DescriptorProto& message, F& field) {
    const int index = message.field_size() - 1;
    const bool joins = index > 0 && message.field(index - 1).has_oneof_index() && !draw_.one_in(4);
    if (!joins) message.add_oneof_decl()->set_name(fmt::format("oneof_{}", index));
    field.set_oneof_index(message.oneof_decl_size() - 1);
  }

  // The oneofs that protoc makes for `optional` stand behind all real ones.
  static void add_synthetic_oneofs(DescriptorProto& message) {
    for (F& field : *message.mutable_field()) {
      if (!field.proto3_optional()) continue;
      field.set_oneof_index(message.oneof_decl_size());
      message.add_oneof_decl()->set_name("_" + field.name());
    }
  }

  void make_map(DescriptorProto& message, F& field) {
    field.set_name(fmt::format("map_{}", message.field_size() - 1));
    field.clear_json_name();
    DescriptorProto& entry = *message.add_nested_type();
    entry.set_name(fmt::format("Map{}Entry", message.field_size() - 1));
    entry.mutable_options()->set_map_entry(true);
    for (const char* const name : {"key", "value"}) {
      F& part = *entry.add_field();
      part.set_name(name);
      part.set_number(entry.field_size());
      part.set_label(F::LABEL_OPTIONAL);
    }
    entry.mutable_field(0)->set_type(kKeys[draw_.below(std::size(kKeys))]);
    choose_type(*entry.mutable_field(1));
    field.set_label(F::LABEL_REPEATED);
    field.set_type(F::TYPE_MESSAGE);
    field.set_type_name(fmt::format(".r.{}.{}", message.name(), entry.name()));
  }

  void make_group(DescriptorProto& message, F& field) {
    const int index = message.field_size() - 1;
    field.set_name(fmt::format("group{}", index));
    field.clear_json_name();
    DescriptorProto& group = *message.add_nested_type();
    group.set_name(fmt::format("Group{}", index));
    for (int i = 0; i < 3; ++i) {
      F& part = *group.add_field();
      part.set_name(fmt::format("part_{}", i));
      part.set_number(i + 1);
      part.set_label(draw_.one_in(3) ? F::LABEL_REPEATED : F::LABEL_OPTIONAL);
      choose_type(part);
    }
    field.set_label(draw_.one_in(2) ? F::LABEL_REPEATED : F::LABEL_OPTIONAL);
    field.set_type(F::TYPE_GROUP);
    field.set_type_name(fmt::format(".r.{}.{}", message.name(), group.name()));
  }

  simulation::Draw& draw_;
  const bool proto3_;
  FileDescriptorProto file_;
  int enum_count_ = 0;
  int message_count_ = 0;
  int number_ = 0;
};

}  // namespace

FileDescriptorProto draw_schema(simulation::Draw& draw) { return Schema(draw).make(); }

}  // namespace parley::roundtrip
