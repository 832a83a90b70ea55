// Loading: tables by name and number for each message and enum; what is there twice is reported.
#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "contract/draft.h"

namespace parley::contract {
namespace {

class Indexer {
 public:
  explicit Indexer(Draft& draft) : draft_(draft), storage_(*draft.storage) {}

  void run() {
    storage_.field_names.resize(storage_.messages.size());
    for (size_t i = 0; i < storage_.messages.size(); ++i) {
      Message& message = storage_.messages[i];
      storage_.field_names[i] = {index_fields(message, draft_.messages[i].features)};
      message.names = &storage_.field_names[i];
    }
    storage_.value_names.resize(storage_.enums.size());
    for (size_t i = 0; i < storage_.enums.size(); ++i) {
      Enum& enumeration = storage_.enums[i];
      storage_.value_names[i] = {index_values(enumeration)};
      enumeration.names = &storage_.value_names[i];
    }
  }

 private:
  uint32_t* allocate(size_t count) {
    return static_cast<uint32_t*>(storage_.texts.allocate(count * sizeof(uint32_t)));
  }

  // Free slots for `entries` names, at most half of them to be taken.
  uint32_t* allocate_slots(MemberIndex& index, size_t entries) {
    const size_t count = std::bit_ceil(entries * 2 + 1);
    uint32_t* slots = allocate(count);
    std::fill_n(slots, count, 0u);
    index.mask = static_cast<uint32_t>(count - 1);
    index.slots = slots;
    return slots;
  }

  static void insert(uint32_t* slots, uint32_t mask, std::string_view name, size_t member) {
    size_t at = name_hash(name) & mask;
    while (slots[at] != 0) at = (at + 1) & mask;
    slots[at] = static_cast<uint32_t>(member + 1);
  }

  template <typename Members>
  void sort_numbers(MemberIndex& index, const Members& members) {
    uint32_t* order = allocate(members.size());
    std::iota(order, order + members.size(), 0u);
    // Of one number the first declared comes first.
    std::sort(order, order + members.size(), [&](uint32_t a, uint32_t b) {
      return std::pair(members[a].number, a) < std::pair(members[b].number, b);
    });
    index.by_number = order;
    index.count = static_cast<uint32_t>(members.size());
  }

  static size_t count_names(const Message& message) {
    size_t count = 0;
    for (const Field& field : message.fields)
      count += (field.extension ? 0u : 1u) + (field.json_name == field.name ? 0u : 1u);
    return count;
  }

  MemberIndex index_fields(Message& message, const Features& features) {
    MemberIndex index;
    uint32_t* slots = allocate_slots(index, count_names(message));
    for (size_t i = 0; i < message.fields.size(); ++i) {
      const Field& field = message.fields[i];
      check_names(message, slots, index.mask, field, features);
      if (!field.extension) insert(slots, index.mask, field.name, i);
      if (field.json_name != field.name) insert(slots, index.mask, field.json_name, i);
    }
    sort_numbers(index, message.fields);
    for (size_t i = 1; i < message.fields.size(); ++i) {
      const Field& before = message.fields[index.by_number[i - 1]];
      const Field& field = message.fields[index.by_number[i]];
      if (before.number == field.number)
        draft_.problems.error(draft_.location_of(field),
                              fmt::format("{} and {} have the same number {}", before.full_name,
                                          field.full_name, field.number));
    }
    return index;
  }

  // Looks for what `field` clashes with among the fields that are in the table already.
  void check_names(const Message& message, const uint32_t* slots, uint32_t mask, const Field& field,
                   const Features& features) {
    for (size_t at = name_hash(field.json_name) & mask; slots[at] != 0; at = (at + 1) & mask)
      if (const Field& other = message.fields[slots[at] - 1];
          other.json_name == field.json_name && other.name != field.name)
        settle_json_clash(other, field, features);
    if (field.extension) return;
    for (size_t at = name_hash(field.name) & mask; slots[at] != 0; at = (at + 1) & mask)
      if (const Field& other = message.fields[slots[at] - 1];
          other.name == field.name && !other.extension)
        return draft_.problems.error(draft_.location_of(field),
                                     fmt::format("{} is declared twice", field.full_name));
  }

  // Where it is allowed, one of the two is called by its own name, so that JSON can tell them
  // apart: the later one, but not the one whose own name it is.
  void settle_json_clash(const Field& other, const Field& field, const Features& features) {
    std::string what = fmt::format("{} and {} have the same JSON name \"{}\"", other.full_name,
                                   field.full_name, field.json_name);
    if (features.unique_json)
      return draft_.problems.error(draft_.location_of(field), std::move(what),
                                   "set json_name on one of them");
    const Field& renamed = field.name == field.json_name ? other : field;
    draft_.problems.warning(draft_.location_of(field), std::move(what),
                            fmt::format("{} is \"{}\" in JSON", renamed.full_name, renamed.name));
    storage_.fields[static_cast<size_t>(&renamed - storage_.fields.data())].json_name =
        renamed.name;
  }

  MemberIndex index_values(const Enum& enumeration) {
    MemberIndex index;
    uint32_t* slots = allocate_slots(index, enumeration.values.size());
    for (size_t i = 0; i < enumeration.values.size(); ++i) {
      check_value(enumeration, slots, index.mask, enumeration.values[i].name);
      insert(slots, index.mask, enumeration.values[i].name, i);
    }
    sort_numbers(index, enumeration.values);
    return index;
  }

  void check_value(const Enum& enumeration, const uint32_t* slots, uint32_t mask,
                   std::string_view name) {
    if (!is_identifier(name))
      draft_.problems.error(enumeration.location, fmt::format("\"{}\" is no name for a value of {}",
                                                              name, enumeration.full_name));
    for (size_t at = name_hash(name) & mask; slots[at] != 0; at = (at + 1) & mask)
      if (enumeration.values[slots[at] - 1].name == name)
        return draft_.problems.error(
            enumeration.location,
            fmt::format("{} has two values \"{}\"", enumeration.full_name, name));
  }

  Draft& draft_;
  Contract::Storage& storage_;
};

}  // namespace

void index_members(Draft& draft) { Indexer(draft).run(); }

}  // namespace parley::contract
