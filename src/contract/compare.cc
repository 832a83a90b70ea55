#include "contract/compare.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace parley::contract {
namespace {

std::string_view name_of(Type type) {
  switch (type) {
    case Type::Double: return "double";
    case Type::Float: return "float";
    case Type::Int64: return "int64";
    case Type::Uint64: return "uint64";
    case Type::Int32: return "int32";
    case Type::Fixed64: return "fixed64";
    case Type::Fixed32: return "fixed32";
    case Type::Bool: return "bool";
    case Type::String: return "string";
    case Type::Group: return "group";
    case Type::Message: return "message";
    case Type::Bytes: return "bytes";
    case Type::Uint32: return "uint32";
    case Type::Enum: return "enum";
    case Type::Sfixed32: return "sfixed32";
    case Type::Sfixed64: return "sfixed64";
    case Type::Sint32: return "sint32";
    case Type::Sint64: return "sint64";
  }
  return "unknown";
}

// As a .proto file would write it: "repeated shop.v1.User".
std::string type_text(const Field& field) {
  if (field.map)
    return fmt::format("map<{}, {}>", type_text(field.map_key()), type_text(field.map_value()));
  std::string name(field.message       ? field.message->full_name
                   : field.enumeration ? field.enumeration->full_name
                                       : name_of(field.type));
  if (field.delimited) name = "delimited " + name;
  return field.repeated ? "repeated " + name : name;
}

std::string streaming_text(const Method& method) {
  if (method.unary()) return "unary";
  if (!method.client_streaming) return "server streaming";
  return method.server_streaming ? "bidirectional" : "client streaming";
}

std::string route_text(const HttpRule& rule) {
  return fmt::format("{} {}", rule.verb, rule.path.shape());
}

class Comparison {
 public:
  std::vector<Change> run(const Contract& before, const Contract& after) {
    for (const Service& service : before.services()) {
      const Service* now = after.find_service(service.full_name);
      if (now)
        compare_services(service, *now);
      else
        removed(service.full_name, "the service is gone");
    }
    for (const Message& message : before.messages()) {
      if (message.map_entry) continue;
      const Message* now = after.find_message(message.full_name);
      if (now)
        compare_messages(message, *now);
      else
        removed(message.full_name, "the message is gone");
    }
    for (const Enum& enumeration : before.enums()) {
      const Enum* now = after.find_enum(enumeration.full_name);
      if (now)
        compare_enums(enumeration, *now);
      else
        removed(enumeration.full_name, "the enum is gone");
    }
    list_added(before, after);
    return std::move(changes_);
  }

 private:
  void removed(std::string_view subject, std::string what) {
    changes_.push_back({Change::Kind::Removed, true, std::string(subject), std::move(what)});
  }
  void added(std::string_view subject, std::string what, bool breaking = false) {
    changes_.push_back({Change::Kind::Added, breaking, std::string(subject), std::move(what)});
  }
  void changed(std::string_view subject, std::string what, bool breaking) {
    changes_.push_back({Change::Kind::Changed, breaking, std::string(subject), std::move(what)});
  }
  // Reports a property that differs.
  void differ(std::string_view subject, std::string_view property, std::string_view before,
              std::string_view after, bool breaking = true) {
    if (before == after) return;
    changed(subject, fmt::format("its {} was {} and is {}", property, before, after), breaking);
  }
  void deprecation(std::string_view subject, bool before, bool after) {
    if (before != after)
      changed(subject, after ? "it is deprecated now" : "it is no longer deprecated", false);
  }

  void list_added(const Contract& before, const Contract& after) {
    for (const Service& service : after.services())
      if (!before.find_service(service.full_name)) added(service.full_name, "the service is new");
    for (const Message& message : after.messages())
      if (!message.map_entry && !before.find_message(message.full_name))
        added(message.full_name, "the message is new");
    for (const Enum& enumeration : after.enums())
      if (!before.find_enum(enumeration.full_name)) added(enumeration.full_name, "the enum is new");
  }

  static const Method* find_method(const Service& service, std::string_view name) {
    const auto found = std::ranges::find(service.methods, name, &Method::name);
    return found == service.methods.end() ? nullptr : &*found;
  }

  void compare_services(const Service& before, const Service& after) {
    deprecation(before.full_name, before.deprecated, after.deprecated);
    for (const Method& method : before.methods) {
      const Method* now = find_method(after, method.name);
      if (now)
        compare_methods(method, *now);
      else
        removed(method.full_name, "the method is gone");
    }
    for (const Method& method : after.methods)
      if (!find_method(before, method.name)) added(method.full_name, "the method is new");
  }

  void compare_methods(const Method& before, const Method& after) {
    const auto subject = before.full_name;
    differ(subject, "request", before.input->full_name, after.input->full_name);
    differ(subject, "response", before.output->full_name, after.output->full_name);
    differ(subject, "kind", streaming_text(before), streaming_text(after));
    deprecation(subject, before.deprecated, after.deprecated);
    if (before.idempotency != after.idempotency)
      changed(subject, "its idempotency_level changed", after.idempotency == Idempotency::Unknown);
    for (const HttpRule& rule : before.rules) {
      const HttpRule* now = find_route(after, rule);
      if (now)
        compare_rules(subject, rule, *now);
      else
        removed(subject, fmt::format("the route {} is gone", route_text(rule)));
    }
    for (const HttpRule& rule : after.rules)
      if (!find_route(before, rule))
        added(subject, fmt::format("the route {} is new", route_text(rule)));
  }

  static const HttpRule* find_route(const Method& method, const HttpRule& wanted) {
    const auto found = std::ranges::find(method.rules, route_text(wanted), route_text);
    return found == method.rules.end() ? nullptr : &*found;
  }

  void compare_rules(std::string_view subject, const HttpRule& before, const HttpRule& after) {
    const std::string route = route_text(before);
    const auto quoted = [](std::string_view name) { return fmt::format("\"{}\"", name); };
    differ(subject, "body of " + route, quoted(before.body), quoted(after.body));
    differ(subject, "response_body of " + route, quoted(before.response_body),
           quoted(after.response_body));
    for (size_t i = 0; i < std::min(before.variables.size(), after.variables.size()); ++i)
      differ(subject, "variable of " + route, before.path.variables[i].field_path,
             after.path.variables[i].field_path, false);
  }

  void compare_messages(const Message& before, const Message& after) {
    deprecation(before.full_name, before.deprecated, after.deprecated);
    for (const Field& field : before.fields) {
      const Field* now = after.find(field.number);
      if (now)
        compare_fields(field, *now);
      else
        removed(field.full_name, fmt::format("field {} is gone", field.number));
    }
    for (const Field& field : after.fields)
      if (!before.find(field.number))
        added(field.full_name, fmt::format("field {} is new", field.number), is_required(field));
  }

  static bool is_required(const Field& field) {
    return field.required || field.has(Behavior::Required);
  }

  void compare_fields(const Field& before, const Field& after) {
    const auto subject = before.full_name;
    differ(subject, "name", before.name, after.name);
    if (before.name == after.name) differ(subject, "JSON name", before.json_name, after.json_name);
    differ(subject, "type", type_text(before), type_text(after));
    const auto oneof = [](const Field& field) { return field.oneof ? field.oneof->name : "none"; };
    differ(subject, "oneof", oneof(before), oneof(after));
    const auto presence = [](const Field& field) {
      return field.presence ? "explicit" : "implicit";
    };
    if (!before.repeated && !after.repeated)
      differ(subject, "presence", presence(before), presence(after), false);
    if (is_required(before) != is_required(after))
      changed(subject, is_required(after) ? "it is required now" : "it is no longer required",
              is_required(after) || before.required);
    if (before.default_bits != after.default_bits || before.default_text() != after.default_text())
      changed(subject, "its default changed", true);
    deprecation(subject, before.deprecated, after.deprecated);
  }

  void compare_enums(const Enum& before, const Enum& after) {
    deprecation(before.full_name, before.deprecated, after.deprecated);
    for (const EnumValue& value : before.values) {
      const EnumValue* now = after.find(value.name);
      const std::string subject = value_name(before, value);
      if (!now)
        removed(subject, fmt::format("value {} is gone", value.number));
      else if (now->number != value.number)
        changed(subject, fmt::format("its number was {} and is {}", value.number, now->number),
                true);
      else
        deprecation(subject, value.deprecated, now->deprecated);
    }
    // One that a closed enum lacks is an unknown field for old clients; an open one shows its
    // number.
    for (const EnumValue& value : after.values)
      if (!before.find(value.name))
        added(value_name(after, value), fmt::format("value {} is new", value.number));
  }

  static std::string value_name(const Enum& enumeration, const EnumValue& value) {
    return fmt::format("{}.{}", enumeration.full_name, value.name);
  }

  std::vector<Change> changes_;
};

}  // namespace

std::string Change::text() const {
  return fmt::format("{}{}: {}", breaking ? "breaking: " : "", subject, what);
}

std::vector<Change> compare(const Contract& before, const Contract& after) {
  return Comparison().run(before, after);
}

bool same(const Contract& a, const Contract& b) { return a.fingerprint() == b.fingerprint(); }

}  // namespace parley::contract
