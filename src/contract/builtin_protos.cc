#include "contract/builtin_protos.h"

#include <span>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/api.pb.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/source_context.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/type.pb.h>
#include <google/protobuf/wrappers.pb.h>

namespace parley::contract {

namespace protobuf = google::protobuf;

const protobuf::FileDescriptor* builtin_descriptor(std::string_view name) {
  const protobuf::FileDescriptor* const files[] = {
      protobuf::Any::descriptor()->file(),
      protobuf::Api::descriptor()->file(),
      protobuf::FileDescriptorProto::descriptor()->file(),
      protobuf::Duration::descriptor()->file(),
      protobuf::Empty::descriptor()->file(),
      protobuf::FieldMask::descriptor()->file(),
      protobuf::SourceContext::descriptor()->file(),
      protobuf::Struct::descriptor()->file(),
      protobuf::Timestamp::descriptor()->file(),
      protobuf::Type::descriptor()->file(),
      protobuf::BoolValue::descriptor()->file(),
  };
  for (const auto* file : files)
    if (file->name() == name) return file;
  return nullptr;
}

std::optional<std::string_view> builtin_text(std::string_view name) {
  for (const auto& each : std::span(detail::kBuiltinTexts, detail::kBuiltinTextCount))
    if (name == each.name) return each.text;
  return std::nullopt;
}

}  // namespace parley::contract
