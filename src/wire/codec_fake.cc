#include "wire/codec_fake.h"

#include "base/assert.h"
#include "contract/contract_fake.h"

namespace parley::wire {

const std::string_view kProto3 = R"(
syntax = "proto3";
package t;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";

enum Level { UNKNOWN = 0; LOW = 1; HIGH = 2; NEGATIVE = -5; }
enum Alias { option allow_alias = true; A_ZERO = 0; A_ONE = 1; A_UNO = 1; }

message Scalars {
  double f_double = 1;
  float f_float = 2;
  int32 f_int32 = 3;
  int64 f_int64 = 4;
  uint32 f_uint32 = 5;
  uint64 f_uint64 = 6;
  sint32 f_sint32 = 7;
  sint64 f_sint64 = 8;
  fixed32 f_fixed32 = 9;
  fixed64 f_fixed64 = 10;
  sfixed32 f_sfixed32 = 11;
  sfixed64 f_sfixed64 = 12;
  bool f_bool = 13;
  string f_string = 14;
  bytes f_bytes = 15;
  Level f_level = 16;
  Alias f_alias = 17;
}
message Lists {
  repeated double f_double = 1;
  repeated float f_float = 2;
  repeated int32 f_int32 = 3;
  repeated int64 f_int64 = 4;
  repeated uint32 f_uint32 = 5;
  repeated uint64 f_uint64 = 6;
  repeated sint32 f_sint32 = 7;
  repeated sint64 f_sint64 = 8;
  repeated fixed32 f_fixed32 = 9;
  repeated fixed64 f_fixed64 = 10;
  repeated sfixed32 f_sfixed32 = 11;
  repeated sfixed64 f_sfixed64 = 12;
  repeated bool f_bool = 13;
  repeated string f_string = 14;
  repeated bytes f_bytes = 15;
  repeated Level f_level = 16;
  repeated Leaf f_leaf = 17;
  repeated int32 unpacked = 18 [packed = false];
}
message Leaf { int32 id = 1; string name = 2; }
message Optionals {
  optional int32 f_int32 = 1;
  optional string f_string = 2;
  optional Level f_level = 3;
  optional double f_double = 4;
  Leaf leaf = 5;
}
message Tree {
  int32 id = 1;
  string name = 2;
  Tree child = 3;
  repeated Tree children = 4;
  map<string, Tree> by_name = 5;
}
message Maps {
  map<string, string> text = 1;
  map<int32, int32> f_int32 = 2;
  map<int64, string> f_int64 = 3;
  map<bool, string> f_bool = 4;
  map<uint64, double> f_uint64 = 5;
  map<string, Leaf> leaf = 6;
  map<string, Level> level = 7;
  map<string, bytes> f_bytes = 8;
  map<sint32, bool> f_sint32 = 9;
  map<fixed64, float> f_fixed64 = 10;
  map<string, google.protobuf.Value> value = 11;
}
message Choice {
  oneof kind {
    int32 number = 1;
    string text = 2;
    Leaf leaf = 3;
    google.protobuf.NullValue nothing = 4;
    bool flag = 5;
  }
  string after = 6;
  oneof other { Leaf left = 7; Leaf right = 8; }
}
message Names {
  int32 snake_case_name = 1;
  int32 custom = 2 [json_name = "@odd näme"];
  int32 a = 3 [json_name = "b"];
  int32 b = 4 [json_name = "c"];
  int32 a_very_long_field_name_that_needs_more_than_one_vector_to_compare = 5;
}
message Known {
  google.protobuf.Timestamp timestamp = 1;
  google.protobuf.Duration duration = 2;
  google.protobuf.FieldMask mask = 3;
  google.protobuf.Struct struct = 4;
  google.protobuf.Value value = 5;
  google.protobuf.ListValue list = 6;
  google.protobuf.Any any = 7;
  google.protobuf.Empty empty = 8;
  google.protobuf.DoubleValue w_double = 9;
  google.protobuf.FloatValue w_float = 10;
  google.protobuf.Int64Value w_int64 = 11;
  google.protobuf.UInt64Value w_uint64 = 12;
  google.protobuf.Int32Value w_int32 = 13;
  google.protobuf.UInt32Value w_uint32 = 14;
  google.protobuf.BoolValue w_bool = 15;
  google.protobuf.StringValue w_string = 16;
  google.protobuf.BytesValue w_bytes = 17;
  google.protobuf.NullValue null = 18;
  repeated google.protobuf.Timestamp timestamps = 19;
  repeated google.protobuf.Value values = 20;
  repeated google.protobuf.Any anys = 21;
  repeated google.protobuf.Int32Value w_int32s = 22;
  repeated google.protobuf.Struct structs = 23;
  map<string, google.protobuf.Duration> durations = 24;
  repeated google.protobuf.NullValue nulls = 25;
  repeated google.protobuf.ListValue lists = 26;
}
)";

const std::string_view kProto2 = R"(
syntax = "proto2";
package t2;

enum Closed { ONE = 1; TWO = 2; }
enum Flag { OFF = 0; ON = 1; }

message Old {
  required int32 id = 1;
  optional string name = 2 [default = "none"];
  optional group Part = 3 { optional int32 a = 1; optional Old again = 2; }
  repeated group Parts = 4 { optional string b = 1; }
  optional Closed closed = 5 [default = TWO];
  repeated Closed many = 6;
  map<string, Flag> by_name = 7;
  repeated int32 numbers = 8;
  repeated int32 tight = 9 [packed = true];
  optional double big = 10 [default = -inf];
  extensions 100 to 200;
}
extend Old {
  optional string note = 100;
  repeated Old olds = 101;
}
)";

CodecFake::CodecFake() : CodecFake(kProto3) {}

CodecFake::CodecFake(std::string_view proto_text)
    : contract_(contract::contract_from(proto_text)), programs_(contract_) {}

const contract::Message& CodecFake::message(std::string_view name) const {
  const contract::Message* const found = contract_.find_message(name);
  PARLEY_ASSERT(found != nullptr);
  return *found;
}

const contract::Field& CodecFake::field(std::string_view message_name,
                                        std::string_view name) const {
  const contract::Field* const found = message(message_name).find_any(name);
  PARLEY_ASSERT(found != nullptr);
  return *found;
}

std::string CodecFake::to_wire(std::string_view name, std::string_view json,
                               const JsonReadOptions& options) const {
  const Bytes padded = Bytes::copy(json);
  ByteBuffer out;
  const Result<void> done = json_to_wire(program(name), padded.view(), options, out);
  return done ? std::string(out.view()) : "! " + done.error().message();
}

std::string CodecFake::to_json(std::string_view name, std::string_view wire,
                               const JsonWriteOptions& options) const {
  const Bytes padded = Bytes::copy(wire);
  ByteBuffer out;
  const Result<void> done = wire_to_json(program(name), padded.view(), options, out);
  return done ? std::string(out.view()) : "! " + done.error().message();
}

std::string CodecFake::again(std::string_view name, std::string_view json,
                             const JsonWriteOptions& options) const {
  const std::string wire = to_wire(name, json);
  return wire.starts_with("! ") ? wire : to_json(name, wire, options);
}

const CodecFake& codec_of(std::string_view message) {
  static const CodecFake proto3;
  static const CodecFake proto2(kProto2);
  return message.starts_with("t2.") ? proto2 : proto3;
}

}  // namespace parley::wire
