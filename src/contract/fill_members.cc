// Loading: extensions find the message that they extend; then messages get their fields and oneofs,
// enums their values, with names and numbers but no types yet.
#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "contract/draft.h"

namespace parley::contract {
namespace {

using google::protobuf::FieldDescriptorProto;

// lowerCamel as protoc makes it (ProtoJSON): underscores go, the letter after one is upper case.
std::string lower_camel(std::string_view name) {
  std::string out;
  bool upper = false;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

// Options of descriptor.proto only matter to compilers: a set may leave that file out.
bool extends_options(std::string_view extendee) {
  return extendee.starts_with(".google.protobuf.") && extendee.ends_with("Options");
}

// Whether JSON writes the name without escapes: what a sane contract has.
bool is_plain(std::string_view json_name) {
  return utf8_valid(json_name) && std::ranges::none_of(json_name, [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7F;
         });
}

class Members {
 public:
  explicit Members(Draft& draft) : draft_(draft), storage_(*draft.storage) {}

  void run() {
    size_lists();
    for (uint32_t i = 0; i < draft_.messages.size(); ++i) fill_message(i);
    for (uint32_t i = 0; i < draft_.extensions.size(); ++i) fill_extension(i);
    for (uint32_t i = 0; i < draft_.enums.size(); ++i) fill_enum(i);
  }

 private:
  void size_lists() {
    size_t fields = 0, oneofs = 0, members = 0, values = 0;
    for (const auto& message : draft_.messages) {
      fields += static_cast<size_t>(message.proto->field_size()) + message.extension_count;
      oneofs += static_cast<size_t>(message.proto->oneof_decl_size());
      for (const auto& field : message.proto->field()) members += field.has_oneof_index();
    }
    for (const auto& enumeration : draft_.enums)
      values += static_cast<size_t>(enumeration.proto->value_size());
    storage_.fields.resize(fields);
    draft_.field_locations.resize(fields);
    storage_.oneofs.resize(oneofs);
    storage_.oneof_fields.reserve(members);
    storage_.enum_values.resize(values);
  }

  void fill_message(uint32_t index) {
    auto& from = draft_.messages[index];
    Message& message = storage_.messages[index];
    message.message_set = from.proto->options().message_set_wire_format();
    const auto declared = static_cast<size_t>(from.proto->field_size());
    const size_t total = declared + from.extension_count;
    if (total > kFieldsMax)
      draft_.problems.error(message.location, fmt::format("{} has {} fields, more than {}",
                                                          message.full_name, total, kFieldsMax));
    const auto fields = std::span(storage_.fields).subspan(next_field_, total);
    message.fields = fields;
    for (size_t i = 0; i < declared; ++i) {
      const auto& proto = from.proto->field(static_cast<int>(i));
      fields[i].full_name = draft_.join(from.full_name, proto.name());
      fields[i].name = fields[i].full_name.substr(from.full_name.size() + 1);
      name_field(fields[i], proto, message, i);
      fields[i].json_name = json_name(fields[i].name, proto);
    }
    from.next_extension = static_cast<uint32_t>(next_field_ + declared);
    next_field_ += total;
    fill_oneofs(from, message, fields.first(declared));
  }

  std::string_view json_name(std::string_view name, const FieldDescriptorProto& proto) {
    if (!proto.has_json_name()) return storage_.texts.copy(lower_camel(name));
    return proto.json_name() == name ? name : storage_.texts.copy(proto.json_name());
  }

  void name_field(Field& field, const FieldDescriptorProto& proto, const Message& parent,
                  size_t index) {
    field.number = proto.number();
    field.index = static_cast<int16_t>(index & INT16_MAX);  // more is an error, reported above
    field.parent = &parent;
    draft_.location_of(field) = parent.location;
    constexpr int32_t kNumberMax = (1 << 29) - 1;
    const bool in_range = field.number >= 1 &&
                          (field.number <= kNumberMax || (field.extension && parent.message_set));
    if (!is_identifier(proto.name()) || !in_range)
      draft_.problems.error(draft_.location_of(field),
                            fmt::format("field \"{}\" of {} has no name, or {} is no field number",
                                        proto.name(), parent.full_name, field.number));
    if (!is_plain(proto.json_name()))
      draft_.problems.error(
          draft_.location_of(field),
          fmt::format("{} has a json_name that JSON cannot write as it is", field.full_name),
          "use UTF-8 without quotes, backslashes and control characters");
  }

  void fill_extension(uint32_t index) {
    auto& from = draft_.extensions[index];
    if (from.extendee == Draft::kNone) return;
    auto& extendee = draft_.messages[from.extendee];
    const Message& parent = storage_.messages[from.extendee];
    from.field = extendee.next_extension++;
    Field& field = storage_.fields[from.field];
    field.extension = true;
    field.full_name = from.full_name;
    field.name = from.full_name.substr(from.full_name.rfind('.') + 1);
    field.json_name = storage_.texts.copy(fmt::format("[{}]", from.full_name));
    name_field(field, *from.proto, parent, static_cast<size_t>(&field - parent.fields.data()));
    draft_.location_of(field) = draft_.file_location(from.file);
    storage_.extensions.push_back({&field, from.file});
  }

  // A oneof that protoc made for an `optional` of proto3 is synthetic: no member knows it.
  void fill_oneofs(const Draft::MessageDraft& from, Message& message, std::span<Field> fields) {
    const auto count = static_cast<size_t>(from.proto->oneof_decl_size());
    const auto oneofs = std::span(storage_.oneofs).subspan(next_oneof_, count);
    message.oneofs = oneofs;
    next_oneof_ += count;
    std::vector<std::vector<const Field*>> members(count);
    for (size_t i = 0; i < fields.size(); ++i) {
      const auto& proto = from.proto->field(static_cast<int>(i));
      if (!proto.has_oneof_index()) continue;
      const auto oneof = static_cast<size_t>(proto.oneof_index());
      if (proto.oneof_index() < 0 || oneof >= count) {
        draft_.problems.error(draft_.location_of(fields[i]),
                              fmt::format("{} is in a oneof that {} does not have",
                                          fields[i].full_name, message.full_name));
        continue;
      }
      members[oneof].push_back(&fields[i]);
      fields[i].presence = true;
      if (proto.proto3_optional())
        oneofs[oneof].synthetic = true;
      else
        fields[i].oneof = &oneofs[oneof];
    }
    for (size_t i = 0; i < count; ++i)
      fill_oneof(oneofs[i], from.proto->oneof_decl(static_cast<int>(i)).name(), members[i]);
  }

  void fill_oneof(Oneof& oneof, const std::string& name, const std::vector<const Field*>& members) {
    const size_t first = storage_.oneof_fields.size();
    storage_.oneof_fields.insert(storage_.oneof_fields.end(), members.begin(), members.end());
    oneof.name = storage_.texts.copy(name);
    oneof.fields = std::span(storage_.oneof_fields).subspan(first);
  }

  void fill_enum(uint32_t index) {
    const auto& from = draft_.enums[index];
    Enum& enumeration = storage_.enums[index];
    const auto count = static_cast<size_t>(from.proto->value_size());
    const auto values = std::span(storage_.enum_values).subspan(next_value_, count);
    enumeration.values = values;
    next_value_ += count;
    if (count == 0)
      draft_.problems.error(enumeration.location,
                            fmt::format("enum {} has no values", enumeration.full_name));
    for (size_t i = 0; i < count; ++i) {
      const auto& value = from.proto->value(static_cast<int>(i));
      values[i] = {storage_.texts.copy(value.name()), value.number(), value.options().deprecated()};
    }
  }

  Draft& draft_;
  Contract::Storage& storage_;
  size_t next_field_ = 0;
  size_t next_oneof_ = 0;
  size_t next_value_ = 0;
};

}  // namespace

void attach_extensions(Draft& draft) {
  for (auto& extension : draft.extensions) {
    const std::string& extendee = extension.proto->extendee();
    const Symbol* found =
        extends_options(extendee)
            ? draft.resolve({}, extendee)
            : draft.require(extension.file, extension.scope, extendee, extension.full_name,
                            draft.file_location(extension.file));
    if (!found) continue;
    if (found->kind != Symbol::Kind::Message) {
      draft.problems.error(
          draft.file_location(extension.file),
          fmt::format("{} extends {}, which is no message", extension.full_name, extendee));
      continue;
    }
    extension.extendee = found->index;
    ++draft.messages[found->index].extension_count;
  }
}

void fill_members(Draft& draft) { Members(draft).run(); }

}  // namespace parley::contract
