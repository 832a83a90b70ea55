#pragma once

#include <string>
#include <string_view>

#include "wire/json_to_wire.h"
#include "wire/wire_to_json.h"

namespace parley::wire {

// A contract with every kind of field, its programs, and short ways to use them in tests.
class CodecFake {
 public:
  CodecFake();
  explicit CodecFake(std::string_view proto_text);

  const contract::Message& message(std::string_view name) const;
  const Program& program(std::string_view name) const { return programs_.of(message(name)); }
  const contract::Field& field(std::string_view message, std::string_view name) const;
  const Programs& programs() const { return programs_; }

  // The bytes, or "! " and the failure's message.
  std::string to_wire(std::string_view message, std::string_view json,
                      const JsonReadOptions& options = {}) const;
  std::string to_json(std::string_view message, std::string_view wire,
                      const JsonWriteOptions& options = {}) const;

  // JSON to wire and back.
  std::string again(std::string_view message, std::string_view json,
                    const JsonWriteOptions& options = {.presence_set_only = true}) const;

 private:
  contract::Contract contract_;
  Programs programs_;
};

// The fake whose contract has the message: names with "t2." are the proto2 one's.
const CodecFake& codec_of(std::string_view message);

// The contract's text: proto3 and proto2 files.
extern const std::string_view kProto3;
extern const std::string_view kProto2;

}  // namespace parley::wire
