#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "contract/model.h"
#include "contract/name_map.h"

namespace parley::contract {

struct Message::NameIndex : MemberIndex {};
struct Enum::NameIndex : MemberIndex {};

// What a full name stands for, and the file that declares it.
struct Symbol {
  enum class Kind : uint8_t { Message, Enum, Service, Method, Extension };
  Kind kind = Kind::Message;
  uint32_t index = 0;  // in the storage's list of its kind
  uint32_t file = 0;
};

// Everything that a contract consists of. The lists are sized once, before pointers into them are
// taken; texts live in the arena.
struct Contract::Storage {
  Arena texts;
  std::vector<std::string> descriptors;  // the files' bytes

  std::vector<File> files;
  std::vector<std::string_view> imports;
  std::vector<Message> messages;
  std::vector<Field> fields;
  std::vector<Oneof> oneofs;
  std::vector<const Field*> oneof_fields;
  std::vector<Enum> enums;
  std::vector<EnumValue> enum_values;
  std::vector<Service> services;
  std::vector<Method> methods;
  std::vector<Message::NameIndex> field_names;  // by message
  std::vector<Enum::NameIndex> value_names;     // by enum

  NameMap file_names;
  NameMap symbol_names;
  std::vector<Symbol> symbols;
  NameMap method_paths;

  struct Extension {
    const Field* field = nullptr;
    uint32_t file = 0;
  };
  std::vector<Extension> extensions;

  std::array<uint64_t, 2> fingerprint{};

  const Symbol* find_symbol(std::string_view full_name) const {
    const auto found = symbol_names.find(full_name);
    return found ? &symbols[*found] : nullptr;
  }
};

}  // namespace parley::contract
