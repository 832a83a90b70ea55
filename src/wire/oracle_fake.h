#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/type_resolver.h>

#include "wire/codec_fake.h"

namespace parley::wire {

// protobuf's own codec beside ours, for one contract: what both accept means the same. It is no
// judge of what has to be refused.
class Oracle {
 public:
  explicit Oracle(std::string_view proto_text);

  std::unique_ptr<google::protobuf::Message> message(const std::string& name);
  // Null: protobuf refuses the wire. Required fields may be missing.
  std::unique_ptr<google::protobuf::Message> parsed(const std::string& name, std::string_view wire);
  // json_util. False: it refuses the JSON.
  bool from_json(const std::string& name, std::string_view json, std::string& wire);
  const CodecFake& codec() const { return codec_; }

  // Brings a parsed message into the form that it has when it comes back from JSON: unknown fields
  // are gone, of double keys the last stays, a Value without a kind is null, null is 0,
  // text is UTF-8, paths of masks have no underscores (json_util loses some).
  void normalize(google::protobuf::Message& message);

 private:
  void normalize_map(google::protobuf::Message& message,
                     const google::protobuf::FieldDescriptor& field);
  static void normalize_nulls(google::protobuf::Message& message,
                              const google::protobuf::FieldDescriptor& field);
  static void normalize_text(google::protobuf::Message& message,
                             const google::protobuf::FieldDescriptor& field);
  void normalize_any(google::protobuf::Message& message);

  CodecFake codec_;
  google::protobuf::SimpleDescriptorDatabase database_;
  google::protobuf::DescriptorPool pool_{&database_};
  google::protobuf::DynamicMessageFactory factory_{&pool_};
  std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
};

// Empty when they are the same. Every NaN is.
std::string difference(const google::protobuf::Message& a, const google::protobuf::Message& b);

// What json_util of protobuf 3.21 reads otherwise than ProtoJSON says: it loses the sign of a zero
// without a point, gives brackets and quotes in a mask a meaning, and writes groups as if they had
// a length.
bool misread_by_protobuf(const std::string& name, const std::string& json);

}  // namespace parley::wire
