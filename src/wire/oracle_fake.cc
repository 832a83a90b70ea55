#include "wire/oracle_fake.h"

#include <set>

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/util/field_comparator.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <google/protobuf/util/type_resolver_util.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "contract/contract_fake.h"

namespace parley::wire {

namespace pb = google::protobuf;

namespace {

// Whether a string of the JSON has brackets or escapes in it.
bool has_odd_text(std::string_view json) {
  bool inside = false;
  for (const char c : json) {
    if (c == '"') inside = !inside;
    if (inside && std::string_view("()[]\\").find(c) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

Oracle::Oracle(std::string_view proto_text) : codec_(proto_text) {
  const auto source = contract::source_from_files({{"test.proto", std::string(proto_text)}});
  for (const auto& file : source.files) {
    pb::FileDescriptorProto proto;
    PARLEY_ASSERT(proto.ParseFromString(file));
    database_.Add(proto);
  }
  resolver_.reset(pb::util::NewTypeResolverForDescriptorPool("type.googleapis.com", &pool_));
}

std::unique_ptr<pb::Message> Oracle::message(const std::string& name) {
  const pb::Descriptor* const type = pool_.FindMessageTypeByName(name);
  return std::unique_ptr<pb::Message>(factory_.GetPrototype(type)->New());
}

std::unique_ptr<pb::Message> Oracle::parsed(const std::string& name, std::string_view wire) {
  auto parsed = message(name);
  if (!parsed->ParsePartialFromArray(wire.data(), static_cast<int>(wire.size()))) return nullptr;
  return parsed;
}

bool Oracle::from_json(const std::string& name, std::string_view json, std::string& wire) {
  wire.clear();
  return pb::util::JsonToBinaryString(resolver_.get(), "type.googleapis.com/" + name,
                                      std::string(json), &wire)
      .ok();
}

void Oracle::normalize(pb::Message& message) {
  const pb::Descriptor& type = *message.GetDescriptor();
  const pb::Reflection& r = *message.GetReflection();
  for (int i = 0; i < type.field_count(); ++i)
    if (type.field(i)->is_map()) normalize_map(message, *type.field(i));
  r.MutableUnknownFields(&message)->Clear();
  if (type.full_name() == "google.protobuf.Any") normalize_any(message);
  if (type.full_name() == "google.protobuf.Value" &&
      !r.HasOneof(message, type.FindOneofByName("kind")))
    r.SetEnumValue(&message, type.FindFieldByName("null_value"), 0);
  std::vector<const pb::FieldDescriptor*> set;
  r.ListFields(message, &set);
  for (const pb::FieldDescriptor* const field : set) {
    if (field->enum_type() != nullptr) normalize_nulls(message, *field);
    if (field->type() == pb::FieldDescriptor::TYPE_STRING) normalize_text(message, *field);
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) normalize(*r.MutableMessage(&message, field));
    for (int n = field->is_repeated() ? r.FieldSize(message, field) : 0; n > 0; --n)
      normalize(*r.MutableRepeatedMessage(&message, field, n - 1));
  }
}

// A NullValue has one value in JSON.
void Oracle::normalize_nulls(pb::Message& message, const pb::FieldDescriptor& field) {
  if (field.enum_type()->full_name() != "google.protobuf.NullValue") return;
  const pb::Reflection& r = *message.GetReflection();
  if (!field.is_repeated()) r.SetEnumValue(&message, &field, 0);
  for (int n = field.is_repeated() ? r.FieldSize(message, &field) : 0; n-- > 0;)
    r.SetRepeatedEnumValue(&message, &field, n, 0);
}

// Text that proto2 lets be no UTF-8. json_util loses underscores of a mask's paths.
void Oracle::normalize_text(pb::Message& message, const pb::FieldDescriptor& field) {
  const pb::Reflection& r = *message.GetReflection();
  const bool path = message.GetDescriptor()->full_name() == "google.protobuf.FieldMask";
  const auto normal = [&](std::string text) {
    if (path) std::erase(text, '_');
    return utf8_repaired(text);
  };
  if (!field.is_repeated()) r.SetString(&message, &field, normal(r.GetString(message, &field)));
  for (int n = field.is_repeated() ? r.FieldSize(message, &field) : 0; n-- > 0;)
    r.SetRepeatedString(&message, &field, n, normal(r.GetRepeatedString(message, &field, n)));
}

// The reflection of dynamic messages keeps double keys apart, and entries whose value is unknown to
// a closed enum.
void Oracle::normalize_map(pb::Message& message, const pb::FieldDescriptor& field) {
  const pb::Reflection& r = *message.GetReflection();
  std::set<std::string> keys;
  for (int n = r.FieldSize(message, &field); n-- > 0;) {
    pb::Message& entry = *r.MutableRepeatedMessage(&message, &field, n);
    const pb::Reflection& inner = *entry.GetReflection();
    const auto& unknown = inner.GetUnknownFields(entry);
    bool keep = true;
    for (int i = 0; i < unknown.field_count(); ++i)
      keep = keep && !(unknown.field(i).number() == 2 &&
                       unknown.field(i).type() == pb::UnknownField::TYPE_VARINT &&
                       entry.GetDescriptor()->field(1)->enum_type() != nullptr);
    const std::unique_ptr<pb::Message> key(entry.New());
    key->CopyFrom(entry);
    key->GetReflection()->ClearField(key.get(), entry.GetDescriptor()->field(1));
    key->GetReflection()->MutableUnknownFields(key.get())->Clear();
    if (entry.GetDescriptor()->field(1)->message_type() != nullptr)
      inner.MutableMessage(&entry, entry.GetDescriptor()->field(1));  // which may be absent
    if (keep && keys.insert(key->SerializeAsString()).second) continue;
    r.SwapElements(&message, &field, n, r.FieldSize(message, &field) - 1);
    r.RemoveLast(&message, &field);
  }
}

void Oracle::normalize_any(pb::Message& message) {
  const pb::Descriptor& type = *message.GetDescriptor();
  const pb::Reflection& r = *message.GetReflection();
  const std::string url = r.GetString(message, type.field(0));
  const std::string name = url.substr(url.rfind('/') + 1);
  if (pool_.FindMessageTypeByName(name) == nullptr) return;
  const auto inner = parsed(name, r.GetString(message, type.field(1)));
  if (inner == nullptr) return;
  normalize(*inner);
  r.SetString(&message, type.field(1), inner->SerializePartialAsString());
}

std::string difference(const pb::Message& a, const pb::Message& b) {
  pb::util::MessageDifferencer differencer;
  std::string text;
  differencer.ReportDifferencesToString(&text);
  pb::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  differencer.set_field_comparator(&comparator);
  return differencer.Compare(a, b) ? "" : text + " ";
}

bool misread_by_protobuf(const std::string& name, const std::string& json) {
  for (size_t at = json.find("-0"); at != std::string::npos; at = json.find("-0", at + 1)) {
    const bool begins = at == 0 || std::string_view(":, [\n").find(json[at - 1]) < 5;
    const bool ends = at + 2 == json.size() || std::string_view(",]} \n").find(json[at + 2]) < 5;
    if (begins && ends) return true;
  }
  if (name == "t.Known" && has_odd_text(json)) return true;
  return name.starts_with("t2.");
}

}  // namespace parley::wire
