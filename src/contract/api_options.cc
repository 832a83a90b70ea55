#include "contract/api_options.h"

#include "contract/wire_fields.h"

namespace parley::contract {
namespace {

// Numbers of the extensions of google.protobuf's options.
constexpr uint32_t kFieldBehavior = 1052;
constexpr uint32_t kResource = 1053;
constexpr uint32_t kResourceReference = 1055;
constexpr uint32_t kHttp = 72295728;

// Numbers of google.api.HttpRule.
enum class Rule : uint32_t {
  Get = 2,
  Put = 3,
  Post = 4,
  Delete = 5,
  Patch = 6,
  Body = 7,
  Custom = 8,
  AdditionalBindings = 11,
  ResponseBody = 12,
};

void add_behavior(uint16_t& behaviors, uint64_t value) {
  if (value < 16) behaviors = static_cast<uint16_t>(behaviors | 1u << value);
}

// Packed enum values: varints one after the other.
void add_packed_behaviors(uint16_t& behaviors, std::string_view bytes) {
  for (const char c : bytes)  // values of one byte only: no other is known
    if (static_cast<unsigned char>(c) < 0x80) add_behavior(behaviors, static_cast<uint64_t>(c));
}

// A `string` field of a message; the last one counts.
std::string_view text_of(std::string_view message, uint32_t number) {
  std::string_view out;
  WireFields fields(message);
  while (fields.next())
    if (fields.number() == number && fields.is_bytes()) out = fields.bytes();
  return out;
}

void set_pattern(ConfiguredRule& rule, std::string_view verb, std::string_view path) {
  rule.verb = verb;
  rule.path = path;
}

// Reads bindings until `depth` levels down; one more is enough to report that it is there.
bool read_rule(std::string_view bytes, int depth, ConfiguredRule& rule) {
  WireFields fields(bytes);
  while (fields.next()) {
    if (!fields.is_bytes()) continue;
    const std::string_view text = fields.bytes();
    switch (static_cast<Rule>(fields.number())) {
      case Rule::Get: set_pattern(rule, "GET", text); break;
      case Rule::Put: set_pattern(rule, "PUT", text); break;
      case Rule::Post: set_pattern(rule, "POST", text); break;
      case Rule::Delete: set_pattern(rule, "DELETE", text); break;
      case Rule::Patch: set_pattern(rule, "PATCH", text); break;
      case Rule::Custom: set_pattern(rule, text_of(text, 1), text_of(text, 2)); break;
      case Rule::Body: rule.body = text; break;
      case Rule::ResponseBody: rule.response_body = text; break;
      case Rule::AdditionalBindings:
        rule.additional.emplace_back();
        if (depth > 0 && !read_rule(text, depth - 1, rule.additional.back())) return false;
        break;
    }
  }
  return !fields.malformed();
}

}  // namespace

std::string_view keep_options(Arena& arena, const google::protobuf::MessageLite& options) {
  const size_t size = options.ByteSizeLong();
  if (size == 0) return {};
  auto* to = static_cast<uint8_t*>(arena.allocate(size));
  options.SerializeWithCachedSizesToArray(to);
  return {reinterpret_cast<const char*>(to), size};
}

std::string_view resource_type_of(std::string_view options) {
  std::string_view type;
  WireFields fields(options);
  while (fields.next())
    if (fields.number() == kResource && fields.is_bytes()) type = text_of(fields.bytes(), 1);
  return type;
}

FieldAnnotations field_annotations_of(std::string_view options) {
  FieldAnnotations out;
  WireFields fields(options);
  while (fields.next()) {
    if (fields.number() == kFieldBehavior && fields.is_varint())
      add_behavior(out.behaviors, fields.value());
    if (fields.number() == kFieldBehavior && fields.is_bytes())
      add_packed_behaviors(out.behaviors, fields.bytes());
    if (fields.number() == kResourceReference && fields.is_bytes()) {
      const std::string_view type = text_of(fields.bytes(), 1);
      out.resource_reference = type.empty() ? text_of(fields.bytes(), 2) : type;
    }
  }
  return out;
}

MethodAnnotations method_annotations_of(std::string_view options) {
  MethodAnnotations out;
  WireFields fields(options);
  while (fields.next()) {
    if (fields.number() != kHttp || !fields.is_bytes()) continue;
    if (out.rules.empty()) out.rules.emplace_back();
    constexpr int kDepth = 2;  // an additional binding of an additional binding is seen
    if (!read_rule(fields.bytes(), kDepth, out.rules.front())) out.malformed = true;
  }
  return out;
}

}  // namespace parley::contract
