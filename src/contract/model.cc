#include "contract/model.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "contract/storage.h"

namespace parley::contract {
namespace {

// The first member on the name's probe path that `same` accepts.
template <typename Members, typename Same>
auto probe(const MemberIndex* index, const Members& members, std::string_view name, Same same)
    -> decltype(members.data()) {
  if (!index) return nullptr;
  for (size_t at = name_hash(name) & index->mask; index->slots[at] != 0;
       at = (at + 1) & index->mask) {
    const auto& member = members[index->slots[at] - 1];
    if (same(member)) return &member;
  }
  return nullptr;
}

template <typename Members>
auto by_number(const MemberIndex* index, const Members& members, int32_t number)
    -> decltype(members.data()) {
  if (!index) return nullptr;
  const auto* begin = index->by_number;
  const auto* end = begin + index->count;
  const auto* found = std::lower_bound(begin, end, number, [&](uint32_t member, int32_t wanted) {
    return members[member].number < wanted;
  });
  return found != end && members[*found].number == number ? &members[*found] : nullptr;
}

}  // namespace

const EnumValue* Enum::find(std::string_view value_name) const {
  return probe(names, values, value_name,
               [&](const EnumValue& value) { return value.name == value_name; });
}

const EnumValue* Enum::find(int32_t number) const { return by_number(names, values, number); }

const Field& Field::map_key() const {
  PARLEY_ASSERT(map);
  return *message->find(1);
}

const Field& Field::map_value() const {
  PARLEY_ASSERT(map);
  return *message->find(2);
}

const Field* Message::find(std::string_view field_name) const {
  return probe(names, fields, field_name,
               [&](const Field& field) { return field.name == field_name && !field.extension; });
}

const Field* Message::find_json(std::string_view json_name) const {
  return probe(names, fields, json_name,
               [&](const Field& field) { return field.json_name == json_name; });
}

const Field* Message::find_any(std::string_view either_name) const {
  const Field* by_name = nullptr;
  const Field* by_json_name = probe(names, fields, either_name, [&](const Field& field) {
    if (!by_name && field.name == either_name && !field.extension) by_name = &field;
    return field.json_name == either_name;
  });
  return by_json_name ? by_json_name : by_name;
}

const Field* Message::find(int32_t number) const { return by_number(names, fields, number); }

Contract::Contract(std::unique_ptr<Storage> storage) : storage_(std::move(storage)) {
  for (Message& message : storage_->messages) message.contract = this;
  for (Service& service : storage_->services) service.contract = this;
}

Contract::Contract(Contract&& other) noexcept : Contract(std::move(other.storage_)) {}

Contract::~Contract() = default;

std::span<const File> Contract::files() const { return storage_->files; }
std::span<const Service> Contract::services() const { return storage_->services; }
std::span<const Message> Contract::messages() const { return storage_->messages; }
std::span<const Enum> Contract::enums() const { return storage_->enums; }
size_t Contract::method_count() const { return storage_->methods.size(); }
std::array<uint64_t, 2> Contract::fingerprint() const { return storage_->fingerprint; }

const Message* Contract::find_message(std::string_view full_name) const {
  const Symbol* symbol = storage_->find_symbol(full_name);
  return symbol && symbol->kind == Symbol::Kind::Message ? &storage_->messages[symbol->index]
                                                         : nullptr;
}

const Enum* Contract::find_enum(std::string_view full_name) const {
  const Symbol* symbol = storage_->find_symbol(full_name);
  return symbol && symbol->kind == Symbol::Kind::Enum ? &storage_->enums[symbol->index] : nullptr;
}

const Service* Contract::find_service(std::string_view full_name) const {
  const Symbol* symbol = storage_->find_symbol(full_name);
  return symbol && symbol->kind == Symbol::Kind::Service ? &storage_->services[symbol->index]
                                                         : nullptr;
}

const Method* Contract::find_method(std::string_view path) const {
  const auto found = storage_->method_paths.find(path);
  return found ? &storage_->methods[*found] : nullptr;
}

const File* Contract::find_symbol_file(std::string_view full_name) const {
  if (const Symbol* symbol = storage_->find_symbol(full_name))
    return &storage_->files[symbol->file];
  const size_t dot = full_name.rfind('.');
  if (dot == std::string_view::npos) return nullptr;
  const Symbol* scope = storage_->find_symbol(full_name.substr(0, dot));
  if (!scope || scope->kind != Symbol::Kind::Message) return nullptr;
  const bool declared = storage_->messages[scope->index].find(full_name.substr(dot + 1)) != nullptr;
  return declared ? &storage_->files[scope->file] : nullptr;
}

const File* Contract::find_file(std::string_view name) const {
  const auto found = storage_->file_names.find(name);
  return found ? &storage_->files[*found] : nullptr;
}

const File* Contract::find_extension_file(std::string_view message, int32_t number) const {
  for (const auto& [field, file] : storage_->extensions)
    if (field->number == number && field->parent->full_name == message)
      return &storage_->files[file];
  return nullptr;
}

}  // namespace parley::contract
