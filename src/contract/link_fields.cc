// Loading: fields get their types, features, options and defaults.
#include <algorithm>

#include <fmt/format.h>

#include "contract/api_options.h"
#include "contract/default_value.h"
#include "contract/draft.h"

namespace parley::contract {
namespace {

using google::protobuf::FieldDescriptorProto;

bool is_packable(Type type) {
  return type != Type::String && type != Type::Bytes && type != Type::Message &&
         type != Type::Group;
}

bool is_message(Type type) { return type == Type::Message || type == Type::Group; }

// One field and where it was declared.
struct Declared {
  const FieldDescriptorProto& proto;
  uint32_t file;
  std::string_view scope;
  Features features;
  bool in_map_entry;
};

class FieldLinker {
 public:
  explicit FieldLinker(Draft& draft) : draft_(draft), storage_(*draft.storage) {}

  void run() {
    for (uint32_t i = 0; i < draft_.messages.size(); ++i) link_options(i);
    for (uint32_t i = 0; i < draft_.messages.size(); ++i) link_message(i);
    for (const auto& extension : draft_.extensions)
      if (extension.field != Draft::kNone)
        link(storage_.fields[extension.field],
             {*extension.proto, extension.file, extension.scope, extension.features, false});
    for (Message& message : storage_.messages)
      if (message.map_entry) check_map_entry(message);
  }

 private:
  void link_options(uint32_t index) {
    const auto& proto = *draft_.messages[index].proto;
    if (!proto.has_options()) return;
    Message& message = storage_.messages[index];
    message.map_entry = proto.options().map_entry();
    message.deprecated = proto.options().deprecated();
    message.options = keep_options(storage_.texts, proto.options());
    message.resource_type = resource_type_of(message.options);
  }

  void link_message(uint32_t index) {
    const auto& from = draft_.messages[index];
    const Message& message = storage_.messages[index];
    const auto first = static_cast<size_t>(message.fields.data() - storage_.fields.data());
    for (int i = 0; i < from.proto->field_size(); ++i) {
      const auto& proto = from.proto->field(i);
      Features features = from.features;
      if (proto.has_oneof_index() && proto.oneof_index() >= 0 &&
          proto.oneof_index() < from.proto->oneof_decl_size()) {
        const auto& oneof = from.proto->oneof_decl(proto.oneof_index());
        if (oneof.has_options() && draft_.files[from.file].editions)
          features.apply_options(oneof.options().SerializePartialAsString(), kOneofFeatures);
      }
      link(storage_.fields[first + static_cast<size_t>(i)],
           {proto, from.file, from.full_name, features, message.map_entry});
    }
  }

  void link(Field& field, Declared from) {
    if (from.proto.has_options()) link_field_options(field, from);
    field.repeated = from.proto.label() == FieldDescriptorProto::LABEL_REPEATED;
    link_type(field, from);
    field.map =
        field.repeated && field.message && field.message->map_entry && field.type == Type::Message;
    field.delimited =
        field.type == Type::Group || (field.type == Type::Message && from.features.delimited &&
                                      !field.map && !from.in_map_entry);
    if (field.delimited) field.type = Type::Group;
    const bool required_label = from.proto.label() == FieldDescriptorProto::LABEL_REQUIRED;
    const bool singular = !field.repeated && !field.extension && !field.oneof;
    field.required = required_label || (singular && from.features.required);
    field.presence = !field.repeated && (field.presence || from.features.presence ||
                                         is_message(field.type) || field.extension);
    const bool packed =
        from.proto.options().has_packed() ? from.proto.options().packed() : from.features.packed;
    field.packed = field.repeated && is_packable(field.type) && packed;
    field.validate_utf8 = field.type != Type::String || from.features.validate_utf8;
    link_default(field, from.proto);
  }

  void link_field_options(Field& field, Declared& from) {
    FieldExtras& extras = draft_.extras_of(field);
    extras.options = keep_options(storage_.texts, from.proto.options());
    field.deprecated = from.proto.options().deprecated();
    if (draft_.files[from.file].editions)
      from.features.apply_options(extras.options, kFieldFeatures);
    const FieldAnnotations annotations = field_annotations_of(extras.options);
    field.behaviors = annotations.behaviors;
    extras.resource_reference = annotations.resource_reference;
  }

  void link_type(Field& field, const Declared& from) {
    const bool named = from.proto.has_type_name() && !from.proto.type_name().empty();
    if (from.proto.has_type()) field.type = static_cast<Type>(from.proto.type());
    if (!named) {
      if (!from.proto.has_type() || is_message(field.type) || field.type == Type::Enum)
        draft_.problems.error(draft_.location_of(field),
                              fmt::format("{} has no type", field.full_name));
      return;
    }
    const Symbol* symbol = draft_.require(from.file, from.scope, from.proto.type_name(),
                                          field.full_name, draft_.location_of(field));
    if (!symbol) return;
    if (!from.proto.has_type())
      field.type = symbol->kind == Symbol::Kind::Enum ? Type::Enum : Type::Message;
    if (symbol->kind == Symbol::Kind::Message && is_message(field.type))
      field.message = &storage_.messages[symbol->index];
    else if (symbol->kind == Symbol::Kind::Enum && field.type == Type::Enum)
      field.enumeration = &storage_.enums[symbol->index];
    else
      draft_.problems.error(draft_.location_of(field),
                            fmt::format("the type of {} is declared as {}, which is another kind "
                                        "of thing",
                                        field.full_name, from.proto.type_name()));
  }

  // A field without a default of its own has zero; an enum of proto2 has its first value.
  void link_default(Field& field, const FieldDescriptorProto& proto) {
    if (field.enumeration && !field.repeated && !field.enumeration->values.empty())
      field.default_bits = bits_of(field.enumeration->values.front());
    if (!proto.has_default_value()) return;
    const std::string& text = proto.default_value();
    bool valid = !field.repeated && !is_message(field.type);
    if (valid && field.type == Type::String) {
      draft_.extras_of(field).default_text = storage_.texts.copy(text);
    } else if (valid && field.type == Type::Bytes) {
      const auto bytes = unescape_bytes(text);
      valid = bytes.has_value();
      if (valid) draft_.extras_of(field).default_text = storage_.texts.copy(*bytes);
    } else if (valid && field.type == Type::Enum) {
      valid = link_enum_default(field, text);
    } else if (valid) {
      const auto bits = default_bits_of(field.type, text);
      valid = bits.has_value();
      if (valid) field.default_bits = *bits;
    }
    if (!valid)
      draft_.problems.error(draft_.location_of(field),
                            fmt::format("{} cannot have this default", field.full_name));
  }

  static uint64_t bits_of(const EnumValue& value) {
    return static_cast<uint64_t>(static_cast<int64_t>(value.number));
  }

  // An enum whose type is missing has been reported for that.
  static bool link_enum_default(Field& field, std::string_view name) {
    if (!field.enumeration) return true;
    const auto found = std::ranges::find(field.enumeration->values, name, &EnumValue::name);
    if (found == field.enumeration->values.end()) return false;
    field.default_bits = bits_of(*found);
    return true;
  }

  // Map fields count on an entry with a key and a value: a compiler makes no other.
  void check_map_entry(const Message& entry) {
    const auto sound = [&](int32_t number) {
      return std::ranges::count_if(entry.fields, [&](const Field& field) {
               return field.number == number && !field.repeated && !field.extension;
             }) == 1;
    };
    if (entry.fields.size() == 2 && sound(1) && sound(2) && valid_key(entry)) return;
    draft_.problems.error(
        entry.location,
        fmt::format("{} is no entry of a map: it needs a key and a value", entry.full_name),
        "declare the field as map<KEY, VALUE>");
  }

  static bool valid_key(const Message& entry) {
    const Field& key = entry.fields[entry.fields[0].number == 1 ? 0 : 1];
    return key.type != Type::Double && key.type != Type::Float && key.type != Type::Bytes &&
           key.type != Type::Enum && !is_message(key.type);
  }

  Draft& draft_;
  Contract::Storage& storage_;
};

}  // namespace

void link_fields(Draft& draft) { FieldLinker(draft).run(); }

}  // namespace parley::contract
