#pragma once

#include <cstdint>
#include <string_view>

namespace parley::contract {

// The fields of one serialized message, one after the other: enough of protobuf's encoding to read
// descriptors' options, whose extensions libprotobuf knows nothing of.
//
//   WireFields fields(bytes);
//   while (fields.next()) switch (fields.number()) ...
//
// Malformed bytes end the walk; groups are skipped.
class WireFields {
 public:
  enum class Kind : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

  explicit WireFields(std::string_view bytes) : rest_(bytes) {}

  bool next();

  uint32_t number() const { return number_; }
  Kind kind() const { return kind_; }
  uint64_t value() const { return value_; }          // of the kinds but Bytes
  std::string_view bytes() const { return bytes_; }  // of Bytes
  const char* begin() const { return begin_; }       // of the whole field: from its tag
  const char* end() const { return rest_.data(); }
  bool is_bytes() const { return kind_ == Kind::Bytes; }
  bool is_varint() const { return kind_ == Kind::Varint; }
  bool malformed() const { return malformed_; }

 private:
  bool read_tag(uint32_t& type);
  bool read_varint(uint64_t& value);
  bool read_bytes(size_t count);
  bool read_value(uint32_t type);
  bool skip_group();

  std::string_view rest_;
  const char* begin_ = nullptr;
  uint32_t number_ = 0;
  Kind kind_ = Kind::Varint;
  uint64_t value_ = 0;
  std::string_view bytes_;
  bool malformed_ = false;
};

}  // namespace parley::contract
