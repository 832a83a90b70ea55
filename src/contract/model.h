#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/path_template.h"

namespace parley::contract {

class Contract;
struct Enum;
struct Field;
struct Message;
struct Service;

// As FieldDescriptorProto.Type numbers them.
enum class Type : uint8_t {
  Double = 1,
  Float,
  Int64,
  Uint64,
  Int32,
  Fixed64,
  Fixed32,
  Bool,
  String,
  Group,
  Message,
  Bytes,
  Uint32,
  Enum,
  Sfixed32,
  Sfixed64,
  Sint32,
  Sint64,
};

// Messages whose JSON form is special (ProtoJSON, "JSON Mapping"), or that Parley treats by name.
enum class WellKnown : uint8_t {
  None,
  Any,
  Timestamp,
  Duration,
  FieldMask,
  Struct,
  Value,
  ListValue,
  Empty,
  DoubleValue,
  FloatValue,
  Int64Value,
  Uint64Value,
  Int32Value,
  Uint32Value,
  BoolValue,
  StringValue,
  BytesValue,
  HttpBody,  // google.api.HttpBody: never transcoded
};

// Where something was declared, for messages to people. Line and column start at 1; 0 when not
// known.
struct Location {
  std::string_view file;
  int line = 0;
  int column = 0;
};

struct EnumValue {
  std::string_view name;
  int32_t number = 0;
  bool deprecated = false;
};

struct Enum {
  std::string_view full_name;
  std::string_view name;
  std::span<const EnumValue> values;  // as declared; aliases follow the first of their number
  bool closed = false;      // unknown numbers are unknown fields (proto2, features.enum_type)
  bool null_value = false;  // google.protobuf.NullValue
  bool deprecated = false;
  Location location;

  const EnumValue* find(std::string_view value_name) const;
  const EnumValue* find(int32_t number) const;  // the first declared of that number

  struct NameIndex;  // made by the loader
  const NameIndex* names = nullptr;
};

struct Oneof {
  std::string_view name;
  std::span<const Field* const> fields;
  bool synthetic = false;  // made by protoc for `optional` in proto3
};

// google.api.field_behavior, as a set of bits 1 << FieldBehavior.
enum class Behavior : uint8_t {
  Optional = 1,
  Required = 2,
  OutputOnly = 3,
  InputOnly = 4,
  Immutable = 5,
  UnorderedList = 6,
  NonEmptyDefault = 7,
  Identifier = 8,
};

// What few fields have, apart from them: large contracts have tens of thousands.
struct FieldExtras {
  std::string_view default_text;        // of strings and bytes with a proto2 default
  std::string_view resource_reference;  // google.api.resource_reference type or child_type
  std::string_view options;             // the serialized FieldOptions
};

struct Field {
  std::string_view name;       // as declared
  std::string_view json_name;  // lowerCamel, or what json_name says
  std::string_view full_name;  // for an extension: its own scope
  int32_t number = 0;
  Type type = Type::Int32;
  bool repeated = false;
  bool presence = false;   // whether unset differs from the default value (message fields: always)
  bool required = false;   // proto2 required, LEGACY_REQUIRED
  bool packed = false;     // how a repeated scalar is written; both forms are read
  bool map = false;        // `message` is a map entry: field 1 is the key, 2 the value
  bool delimited = false;  // a message in group encoding (proto2 group, features.message_encoding)
  bool validate_utf8 = true;
  bool extension = false;
  bool deprecated = false;
  uint16_t behaviors = 0;
  int16_t index = 0;  // in its message's `fields`
  const Message* parent = nullptr;
  const Message* message = nullptr;  // of Type::Message and Type::Group
  const Enum* enumeration = nullptr;
  const Oneof* oneof = nullptr;  // real ones only, no synthetic
  // The default value: numbers, bools and enums by their bits (doubles by bit_cast to uint64,
  // floats to the low 32 bits), strings and bytes by text. Zero or empty without a proto2 default.
  uint64_t default_bits = 0;
  const FieldExtras* extras = nullptr;  // null: it has none

  std::string_view default_text() const { return extras ? extras->default_text : ""; }
  std::string_view resource_reference() const { return extras ? extras->resource_reference : ""; }
  std::string_view options() const { return extras ? extras->options : ""; }
  bool has(Behavior behavior) const { return behaviors >> static_cast<unsigned>(behavior) & 1; }
  const Field& map_key() const;
  const Field& map_value() const;
};

struct Message {
  std::string_view full_name;
  std::string_view name;
  std::span<const Field> fields;  // as declared; then extensions known to the contract
  std::span<const Oneof> oneofs;
  WellKnown well_known = WellKnown::None;
  bool map_entry = false;
  bool message_set = false;
  bool deprecated = false;
  uint32_t index = 0;  // dense, unique within the contract: tables of programs are arrays
  const Contract* contract = nullptr;
  std::string_view resource_type;  // google.api.resource
  std::string_view options;        // the serialized MessageOptions
  Location location;

  // By declared name, by JSON name, by either (the JSON name first), by number. nullptr: no such
  // field.
  const Field* find(std::string_view name) const;
  const Field* find_json(std::string_view json_name) const;
  const Field* find_any(std::string_view name) const;
  const Field* find(int32_t number) const;

  struct NameIndex;  // made by the loader
  const NameIndex* names = nullptr;
};

enum class Idempotency : uint8_t { Unknown = 0, NoSideEffects = 1, Idempotent = 2 };

// One binding of google.api.http: the rule itself, or one of its additional_bindings.
struct HttpRule {
  std::string_view verb;  // "GET", or what `custom.kind` says; "*": every verb
  PathTemplate path;
  std::string_view body;           // "", "*" or a field's name
  std::string_view response_body;  // "" or a field's name
  const Field* body_field = nullptr;
  const Field* response_field = nullptr;
  // For each variable of `path`, the fields from the request down to the leaf.
  std::span<const std::span<const Field* const>> variables;
  bool from_config = false;
  Location location;
};

struct Method {
  std::string_view name;
  std::string_view full_name;  // "shop.v1.Users.GetUser"
  std::string_view path;       // "/shop.v1.Users/GetUser"
  const Service* service = nullptr;
  const Message* input = nullptr;
  const Message* output = nullptr;
  bool client_streaming = false;
  bool server_streaming = false;
  bool deprecated = false;
  Idempotency idempotency = Idempotency::Unknown;
  uint32_t index = 0;  // dense, unique within the contract
  std::span<const HttpRule> rules;
  std::string_view options;  // the serialized MethodOptions
  Location location;

  bool unary() const { return !client_streaming && !server_streaming; }
};

struct Service {
  std::string_view full_name;
  std::string_view name;
  std::span<const Method> methods;
  bool deprecated = false;
  const Contract* contract = nullptr;
  Location location;
};

// One .proto file as it was loaded.
struct File {
  std::string_view name;
  std::string_view package;
  std::string_view
      descriptor;  // the serialized FileDescriptorProto, as it came: reflection serves it
  std::span<const std::string_view> imports;
};

// The files of one upstream, linked: immutable, shared by every shard, kept as long as a call uses
// it. Made by contract/load.h. Everything in it lives as long as it does.
class Contract {
 public:
  Contract(Contract&&) noexcept;
  ~Contract();

  std::span<const File> files() const;
  std::span<const Service> services() const;
  std::span<const Message> messages() const;
  std::span<const Enum> enums() const;
  size_t method_count() const;

  const Message* find_message(std::string_view full_name) const;
  const Enum* find_enum(std::string_view full_name) const;
  const Service* find_service(std::string_view full_name) const;
  const Method* find_method(std::string_view path) const;  // "/pkg.Service/Method"
  // The file that declares the message, enum, service, method, field or extension of that name.
  const File* find_symbol_file(std::string_view full_name) const;
  const File* find_file(std::string_view name) const;
  // Extensions of a message by number, for reflection.
  const File* find_extension_file(std::string_view message, int32_t number) const;

  // Of the files' bytes and the rules that replaced theirs: equal for equal contracts.
  std::array<uint64_t, 2> fingerprint() const;

  struct Storage;
  explicit Contract(std::unique_ptr<Storage> storage);

 private:
  std::unique_ptr<Storage> storage_;
};

}  // namespace parley::contract
