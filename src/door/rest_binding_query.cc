// The query's part of RestBinding.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/assert.h"
#include "door/rest_binding.h"
#include "wire/wire_reader.h"
#include "wire/wire_writer.h"

namespace parley::door {
namespace {

using contract::Field;
using contract::WellKnown;

Failure refused(const QueryParameter& parameter, std::string description) {
  Failure failure(Reason::QueryInvalid,
                  fmt::format("query parameter \"{}\": {}", parameter.name, description));
  failure.violation(std::string(parameter.name), std::move(description));
  return failure;
}

// Whether a leaf's wire form says no more than its absence does.
bool is_absence(const Field& field, std::string_view leaf) {
  if (field.presence) return false;
  const auto tag_end = std::find_if(leaf.begin(), leaf.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return std::all_of(tag_end + 1, leaf.end(), [](char c) { return c == 0; });
}

// Whether a parameter's name may go on behind this field with a dot. Well-known types have a text,
// but those of a few plain fields are known by these, too.
bool has_members(const Field& field) {
  if (field.message == nullptr || field.repeated) return false;
  switch (field.message->well_known) {
    case WellKnown::Any:
    case WellKnown::Struct:
    case WellKnown::Value:
    case WellKnown::ListValue:
    case WellKnown::HttpBody: return false;
    default: return true;
  }
}

WellKnown type_around(const Field& field) { return field.parent->well_known; }

// The message whose fields an answer shows, its elements' where it is a list or a map; nullptr: it
// is a scalar, or bytes that are never parsed.
const contract::Message* answer_message(const contract::Method& method,
                                        const contract::HttpRule& rule) {
  const contract::Message* message = method.output;
  if (const Field* const field = rule.response_field)
    message = field->map ? field->map_value().message : field->message;
  return message != nullptr && is_http_body(message) ? nullptr : message;
}

}  // namespace

Result<void> RestBinding::bind_query(std::string_view query) {
  if (query.empty()) return {};
  for (const Leaf& leaf : bound_) (void)set_.claim(leaf.path);
  QueryReader reader(query, arena_, exposed_.settings->rest.query_parameters_max);
  for (;;) {
    TRY(parameter, reader.next());
    if (!parameter) return {};
    TRY_VOID(bind_parameter(*parameter));
  }
}

Result<void> RestBinding::bind_parameter(const QueryParameter& parameter) {
  if (parameter.name.starts_with('$')) return bind_system(parameter);
  if (parameter.name == "fields" && exposed_.method->input->find_any("fields") == nullptr)
    return bind_selection(parameter);
  if (rule_.body == "*")
    return unknown(parameter, "this method takes its fields from the body, not from the query");
  const auto name = ParameterName::parse(parameter.name);
  if (!name) return unknown(parameter, "this is not the name of a field");
  std::string why;
  TRY(path, resolve(parameter, name->path, why));
  if (path.empty()) return unknown(parameter, why);
  if (path.front() == rule_.body_field)
    return refused(parameter, fmt::format("{} is what the body sets", path.front()->name));
  const Field& leaf = *path.back();
  if (leaf.map) {
    if (name->suffix != ParameterName::Suffix::Key)
      return refused(parameter, fmt::format("a map entry is written {}[key]=value", name->path));
    return bind_map_entry(path, name->key, parameter);
  }
  if (name->suffix == ParameterName::Suffix::Key)
    return unknown(parameter, fmt::format("{} is not a map", name->path));
  if (name->suffix == ParameterName::Suffix::Element && !leaf.repeated)
    return unknown(parameter, fmt::format("{} is not repeated", name->path));
  return bind_value(path, parameter);
}

// Whether a system parameter is there for the first time.
bool RestBinding::first(SystemBit bit) {
  const auto mask = static_cast<uint8_t>(bit);
  return (std::exchange(system_seen_, system_seen_ | mask) & mask) == 0;
}

// System parameters, as Google's APIs have them.
Result<void> RestBinding::bind_system(const QueryParameter& parameter) {
  if (parameter.name == "$alt") {
    if (!first(SystemBit::Alt)) return refused(parameter, "it is there twice");
    system_.enum_numbers = parameter.value == "json;enum-encoding=int";
    if (system_.enum_numbers || parameter.value == "json") return {};
    return refused(parameter, "it may be json or json;enum-encoding=int");
  }
  if (parameter.name == "$prettyPrint") {
    if (!first(SystemBit::PrettyPrint)) return refused(parameter, "it is there twice");
    system_.pretty = ascii_equal(parameter.value, "true") || parameter.value == "1";
    if (system_.pretty || ascii_equal(parameter.value, "false") || parameter.value == "0")
      return {};
    return refused(parameter, "it may be true or false");
  }
  if (parameter.name == "$fields") return bind_selection(parameter);
  return unknown(parameter, "this system parameter is not known");
}

// The fields of the answer that the client wants.
Result<void> RestBinding::bind_selection(const QueryParameter& parameter) {
  if (!first(SystemBit::Fields)) return refused(parameter, "it is there twice");
  const contract::Message* const message = answer_message(*exposed_.method, rule_);
  if (message == nullptr)
    return refused(parameter, "the answer has no fields that could be selected");
  std::string problem = system_.fields.parse(exposed_.programs->of(*message), parameter.value,
                                             exposed_.settings->rest.depth_max);
  if (problem.empty()) return {};
  Failure failure = refused(parameter, std::move(problem));
  if (system_.fields.too_deep()) failure.with_limit("rest.depth_max");
  return failure;
}

Result<void> RestBinding::unknown(const QueryParameter& parameter, std::string_view why) const {
  if (exposed_.settings->rest.unknown_query == OnUnknown::Ignore) return {};
  return refused(parameter, std::string(why));
}

// The fields from the message down to what `path` names; empty, and `why`: there is no such field.
Result<SetFields::Path> RestBinding::resolve(const QueryParameter& parameter, std::string_view path,
                                             std::string& why) const {
  const auto dots = static_cast<size_t>(std::count(path.begin(), path.end(), '.'));
  const size_t depth_max = exposed_.settings->rest.depth_max;
  if (dots + 1 > depth_max) {
    Failure failure = refused(parameter, fmt::format("nested deeper than {} levels", depth_max));
    return failure.with_limit("rest.depth_max");
  }
  auto* const fields =
      static_cast<const Field**>(arena_.allocate((dots + 1) * sizeof(const Field*)));
  const contract::Message* message = exposed_.method->input;
  for (size_t i = 0; i <= dots; ++i) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    const Field* const field = message->find_any(name);
    if (field == nullptr) {
      why = fmt::format("{} has no field \"{}\"", message->full_name, name);
      return FieldPath();
    }
    if (i < dots && !has_members(*field)) {
      why = fmt::format("{} has no members that a parameter could name", field->full_name);
      return FieldPath();
    }
    fields[i] = field;
    message = field->message;
  }
  return FieldPath(fields, dots + 1);
}

wire::TextOptions RestBinding::text_options(FieldPath path, const QueryParameter& parameter) const {
  return {.reason = Reason::QueryInvalid,
          .name = parameter.name,
          .mask_target = rule_.body_field != nullptr ? rule_.body_field->message : nullptr,
          .json = json_options_below(path)};
}

Result<void> RestBinding::bind_value(FieldPath path, const QueryParameter& parameter) {
  if (Leaf* const bound = bound_leaf(path)) return compare_bound(*bound, parameter);
  TRY_VOID(claim(path, parameter));
  const Field& field = *path.back();
  if (path.size() > 1 && type_around(field) == WellKnown::FieldMask)
    return bind_mask_path(path, parameter);
  if (path.size() == 1)
    return wire::text_to_wire(*exposed_.programs, field, parameter.value,
                              text_options(path, parameter), out_);
  ByteBuffer leaf;
  TRY_VOID(wire::text_to_wire(*exposed_.programs, field, parameter.value,
                              text_options(path, parameter), leaf));
  TRY_VOID(check_time(path, leaf.view(), parameter));
  wire::append_bound_value({path, leaf.view()}, out_);
  return {};
}

// One element of a mask's `paths`: as a mask of one path, which is merged with the others.
Result<void> RestBinding::bind_mask_path(FieldPath path, const QueryParameter& parameter) {
  if (parameter.value.empty() || parameter.value.find(',') != std::string_view::npos)
    return refused(parameter, "expected one path");
  const FieldPath mask = path.first(path.size() - 1);
  ByteBuffer leaf;
  TRY_VOID(wire::text_to_wire(*exposed_.programs, *mask.back(), parameter.value,
                              text_options(mask, parameter), leaf));
  wire::append_bound_value({mask, leaf.view()}, out_);
  return {};
}

// Whether the Timestamp or the Duration that this leaf is a field of, if it is, stays in its range.
Result<void> RestBinding::check_time(FieldPath path, std::string_view leaf,
                                     const QueryParameter& parameter) {
  const Field& field = *path.back();
  const bool timestamp = type_around(field) == WellKnown::Timestamp;
  if (!timestamp && type_around(field) != WellKnown::Duration) return {};
  const FieldPath around = path.first(path.size() - 1);
  auto time = std::find_if(times_.begin(), times_.end(), [&](const Time& other) {
    return std::equal(around.begin(), around.end(), other.path.begin(), other.path.end());
  });
  if (time == times_.end()) time = times_.insert(time, {around, {}});
  wire::WireReader reader(leaf);
  PARLEY_ASSERT(reader.next());
  const auto value = static_cast<int64_t>(reader.varint());
  if (field.number == 1) {
    time->parts.seconds = value;
  } else {
    time->parts.nanos = static_cast<int32_t>(value);
  }
  const bool valid =
      timestamp ? wire::valid_timestamp(time->parts) : wire::valid_duration(time->parts);
  if (valid) return {};
  return refused(parameter, fmt::format("out of the range of {}", field.parent->full_name));
}

Result<void> RestBinding::bind_map_entry(FieldPath path, std::string_view key,
                                         const QueryParameter& parameter) {
  const Field& map = *path.back();
  ByteBuffer entry;
  TRY_VOID(wire::text_to_wire(*exposed_.programs, map.map_key(), key, text_options(path, parameter),
                              entry));
  TRY_VOID(claim(path, parameter, arena_.copy(entry.view())));
  TRY_VOID(wire::text_to_wire(*exposed_.programs, map.map_value(), parameter.value,
                              text_options(path, parameter), entry));
  ByteBuffer leaf;
  wire::append_field(leaf, map, entry.view());
  wire::append_bound_value({path, leaf.view()}, out_);
  return {};
}

Result<void> RestBinding::claim(FieldPath path, const QueryParameter& parameter,
                                std::string_view key) {
  const SetFields::Claim claim = set_.claim(path, key);
  switch (claim.clash) {
    case SetFields::Clash::None: return {};
    case SetFields::Clash::SameField: return refused(parameter, "it is there twice");
    case SetFields::Clash::SameOneof:
      return refused(parameter, fmt::format("{} is set already: only one of the oneof {} can be",
                                            claim.other->name, claim.other->oneof->name));
  }
  return {};
}

RestBinding::Leaf* RestBinding::bound_leaf(FieldPath path) {
  const auto found = std::find_if(bound_.begin(), bound_.end(), [&](const Leaf& leaf) {
    return std::equal(leaf.path.begin(), leaf.path.end(), path.begin(), path.end());
  });
  return found == bound_.end() ? nullptr : &*found;
}

// What the path binds wins: the query may only say the same, or nothing.
Result<void> RestBinding::compare_bound(Leaf& leaf, const QueryParameter& parameter) {
  if (leaf.repeated_by_query) return refused(parameter, "it is there twice");
  leaf.repeated_by_query = true;
  ByteBuffer said;
  TRY_VOID(wire::text_to_wire(*exposed_.programs, *leaf.path.back(), parameter.value,
                              text_options(leaf.path, parameter), said));
  if (said.view() == leaf_text(leaf) || is_absence(*leaf.path.back(), said.view())) return {};
  return refused(parameter, "the path says another value");
}

}  // namespace parley::door
