#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace parley::contract {

// The features of protobuf editions that decide how a message behaves (google.protobuf.FeatureSet),
// for a file, a message, a field ... A scope starts with what the one around it has.
struct Features {
  bool presence = true;        // field_presence: EXPLICIT or LEGACY_REQUIRED
  bool required = false;       // field_presence: LEGACY_REQUIRED
  bool closed_enums = true;    // enum_type: CLOSED
  bool packed = false;         // repeated_field_encoding: PACKED
  bool validate_utf8 = false;  // utf8_validation: VERIFY
  bool delimited = false;      // message_encoding: DELIMITED
  bool unique_json = false;    // json_format: ALLOW, which forbids two fields of one JSON name

  // Takes what a serialized FeatureSet says; values that are not known change nothing.
  void apply(std::string_view feature_set);
  // The same for serialized options whose features have the given number.
  void apply_options(std::string_view options, uint32_t features_number);

  friend bool operator==(const Features&, const Features&) = default;
};

// The numbers of `features` in the options messages.
inline constexpr uint32_t kFileFeatures = 50;
inline constexpr uint32_t kMessageFeatures = 12;
inline constexpr uint32_t kFieldFeatures = 21;
inline constexpr uint32_t kOneofFeatures = 1;
inline constexpr uint32_t kEnumFeatures = 7;

// google.protobuf.Edition.
inline constexpr uint32_t kEditionProto2 = 998;
inline constexpr uint32_t kEditionProto3 = 999;
inline constexpr uint32_t kEdition2023 = 1000;
inline constexpr uint32_t kEdition2024 = 1001;

// The edition of a serialized FileDescriptorProto: of its syntax ("" and "proto2", "proto3"), or
// field 14 beside "editions". nullopt: a syntax that is none of them, or no edition.
std::optional<uint32_t> edition_of(std::string_view descriptor);

// What an edition begins with; one later than all that are known here has those of the last.
Features features_of_edition(uint32_t edition);

}  // namespace parley::contract
