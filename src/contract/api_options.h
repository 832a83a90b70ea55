#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/message_lite.h>

#include "base/arena.h"
#include "contract/load.h"

namespace parley::contract {

// google.api's options, read from serialized options: libprotobuf knows them as unknown fields
// only.

// The options' bytes, kept.
std::string_view keep_options(Arena& arena, const google::protobuf::MessageLite& options);

// Of MessageOptions: google.api.resource's type. A view into `options`.
std::string_view resource_type_of(std::string_view options);

struct FieldAnnotations {
  uint16_t behaviors = 0;  // as Field::behaviors
  std::string_view resource_reference;
};
// Of FieldOptions. Views into `options`.
FieldAnnotations field_annotations_of(std::string_view options);

// Of MethodOptions: google.api.http, empty or one rule with its additional bindings; where it was
// written is the caller's to know. Fields that occur again replace what was before, as protobuf
// merges them.
struct MethodAnnotations {
  bool malformed = false;
  std::vector<ConfiguredRule> rules;
};
MethodAnnotations method_annotations_of(std::string_view options);

}  // namespace parley::contract
