// Loading: messages whose JSON form is special are known by their full name, if they have the
// fields that this form counts on.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "contract/draft.h"

namespace parley::contract {
namespace {

struct Row {
  std::string_view name;
  WellKnown kind;
  // The types of fields 1, 2, ...; the rest is not looked at.
  std::array<Type, 6> types;
  size_t type_count;
  bool repeated = false;  // the fields are
};

constexpr std::array kRows = {
    Row{"google.protobuf.Any", WellKnown::Any, {Type::String, Type::Bytes}, 2},
    Row{"google.protobuf.Timestamp", WellKnown::Timestamp, {Type::Int64, Type::Int32}, 2},
    Row{"google.protobuf.Duration", WellKnown::Duration, {Type::Int64, Type::Int32}, 2},
    Row{"google.protobuf.FieldMask", WellKnown::FieldMask, {Type::String}, 1, true},
    Row{"google.protobuf.Struct", WellKnown::Struct, {Type::Message}, 1, true},
    Row{"google.protobuf.Value",
        WellKnown::Value,
        {Type::Enum, Type::Double, Type::String, Type::Bool, Type::Message, Type::Message},
        6},
    Row{"google.protobuf.ListValue", WellKnown::ListValue, {Type::Message}, 1, true},
    Row{"google.protobuf.Empty", WellKnown::Empty, {}, 0},
    Row{"google.protobuf.DoubleValue", WellKnown::DoubleValue, {Type::Double}, 1},
    Row{"google.protobuf.FloatValue", WellKnown::FloatValue, {Type::Float}, 1},
    Row{"google.protobuf.Int64Value", WellKnown::Int64Value, {Type::Int64}, 1},
    Row{"google.protobuf.UInt64Value", WellKnown::Uint64Value, {Type::Uint64}, 1},
    Row{"google.protobuf.Int32Value", WellKnown::Int32Value, {Type::Int32}, 1},
    Row{"google.protobuf.UInt32Value", WellKnown::Uint32Value, {Type::Uint32}, 1},
    Row{"google.protobuf.BoolValue", WellKnown::BoolValue, {Type::Bool}, 1},
    Row{"google.protobuf.StringValue", WellKnown::StringValue, {Type::String}, 1},
    Row{"google.protobuf.BytesValue", WellKnown::BytesValue, {Type::Bytes}, 1},
    Row{"google.api.HttpBody", WellKnown::HttpBody, {Type::String, Type::Bytes}, 2},
};

bool has_shape(const Message& message, const Row& row) {
  for (size_t i = 0; i < row.type_count; ++i) {
    const Field* field = message.find(static_cast<int32_t>(i + 1));
    if (!field || field->type != row.types[i] || field->repeated != row.repeated) return false;
  }
  return true;
}

// Struct, Value and ListValue are made of each other: the members must be of the very types.
bool has_member_types(const Message& message, WellKnown kind) {
  const auto is = [&](int32_t number, std::string_view name) {
    const Field* field = message.find(number);
    return field->message && field->message->full_name == name;
  };
  switch (kind) {
    case WellKnown::Struct: {
      const Field* fields = message.find(1);
      if (!fields->map) return false;
      const Field* value = fields->message->find(2);
      const Field* key = fields->message->find(1);
      return key && key->type == Type::String && value && value->message &&
             value->message->full_name == "google.protobuf.Value";
    }
    case WellKnown::Value:
      return is(5, "google.protobuf.Struct") && is(6, "google.protobuf.ListValue");
    case WellKnown::ListValue: return is(1, "google.protobuf.Value");
    default: return true;
  }
}

}  // namespace

void recognise_well_known(Draft& draft) {
  for (Message& message : draft.storage->messages) {
    if (!message.full_name.starts_with("google.")) continue;
    const auto* row = std::ranges::find(kRows, message.full_name, &Row::name);
    if (row == kRows.end()) continue;
    if (has_shape(message, *row) && has_member_types(message, row->kind))
      message.well_known = row->kind;
    else
      draft.problems.error(
          message.location,
          fmt::format("{} does not have the fields that this name stands for", message.full_name),
          "use the file that comes with protobuf or googleapis");
  }
}

}  // namespace parley::contract
