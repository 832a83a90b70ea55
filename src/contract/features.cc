#include "contract/features.h"

#include "contract/wire_fields.h"

namespace parley::contract {
namespace {

// Numbers of google.protobuf.FeatureSet.
enum class Feature : uint32_t {
  FieldPresence = 1,
  EnumType = 2,
  RepeatedFieldEncoding = 3,
  Utf8Validation = 4,
  MessageEncoding = 5,
  JsonFormat = 6,
};

// Numbers of FileDescriptorProto.
constexpr uint32_t kSyntax = 12;
constexpr uint32_t kEdition = 14;

// Sets `flag` by a feature of two values.
void choose(bool& flag, uint64_t value, uint64_t when_true, uint64_t when_false) {
  if (value == when_true) flag = true;
  if (value == when_false) flag = false;
}

void choose_presence(Features& features, uint64_t value) {
  if (value < 1 || value > 3) return;  // EXPLICIT, IMPLICIT, LEGACY_REQUIRED
  features.presence = value != 2;
  features.required = value == 3;
}

}  // namespace

void Features::apply(std::string_view feature_set) {
  WireFields fields(feature_set);
  while (fields.next()) {
    if (!fields.is_varint()) continue;
    switch (static_cast<Feature>(fields.number())) {
      case Feature::FieldPresence: choose_presence(*this, fields.value()); break;
      case Feature::EnumType: choose(closed_enums, fields.value(), 2, 1); break;
      case Feature::RepeatedFieldEncoding: choose(packed, fields.value(), 1, 2); break;
      case Feature::Utf8Validation: choose(validate_utf8, fields.value(), 2, 3); break;
      case Feature::MessageEncoding: choose(delimited, fields.value(), 2, 1); break;
      case Feature::JsonFormat: choose(unique_json, fields.value(), 1, 2); break;
    }
  }
}

void Features::apply_options(std::string_view options, uint32_t features_number) {
  WireFields fields(options);
  while (fields.next())
    if (fields.number() == features_number && fields.is_bytes()) apply(fields.bytes());
}

std::optional<uint32_t> edition_of(std::string_view descriptor) {
  std::string_view syntax;
  uint64_t edition = 0;
  WireFields fields(descriptor);
  while (fields.next()) {
    if (fields.number() == kSyntax && fields.is_bytes()) syntax = fields.bytes();
    if (fields.number() == kEdition && fields.is_varint()) edition = fields.value();
  }
  if (syntax.empty() || syntax == "proto2") return kEditionProto2;
  if (syntax == "proto3") return kEditionProto3;
  if (syntax != "editions" || edition == 0 || edition > INT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(edition);
}

Features features_of_edition(uint32_t edition) {
  Features features;
  if (edition <= kEditionProto2) return features;
  features.presence = edition >= kEdition2023;
  features.closed_enums = false;
  features.packed = true;
  features.validate_utf8 = true;
  features.unique_json = true;
  return features;
}

}  // namespace parley::contract
