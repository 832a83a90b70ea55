#include "base/fields.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/ascii.h"
#include "base/assert.h"
#include "base/pool.h"

namespace parley {
namespace {

constexpr std::array<std::string_view, kFieldIdCount> kNames = {
    "",
    ":authority",
    ":method",
    ":path",
    ":scheme",
    ":status",
    "accept",
    "accept-encoding",
    "accept-language",
    "accept-patch",
    "allow",
    "authorization",
    "baggage",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expect",
    "forwarded",
    "grpc-accept-encoding",
    "grpc-encoding",
    "grpc-message",
    "grpc-status",
    "grpc-status-details-bin",
    "grpc-timeout",
    "host",
    "http2-settings",
    "keep-alive",
    "last-modified",
    "link",
    "location",
    "origin",
    "prefer",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "retry-after",
    "server",
    "set-cookie",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "www-authenticate",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-user-agent",
    "x-request-id",
    "x-request-timeout",
};

// An open-addressing table over length, first, middle and last character, made at compile time.
constexpr size_t kSlots = 256;
constexpr size_t slot_of(std::string_view name) {
  const auto at = [&](size_t i) {
    return static_cast<size_t>(static_cast<unsigned char>(name[i]));
  };
  return (name.size() * 31 + at(0) * 7 + at(name.size() / 2) * 13 + at(name.size() - 1) * 3) %
         kSlots;
}
constexpr std::array<uint8_t, kSlots> make_slots() {
  std::array<uint8_t, kSlots> slots{};
  for (size_t id = 1; id < kFieldIdCount; ++id) {
    size_t slot = slot_of(kNames[id]);
    while (slots[slot] != 0) slot = (slot + 1) % kSlots;
    slots[slot] = static_cast<uint8_t>(id);
  }
  return slots;
}
constexpr std::array<uint8_t, kSlots> kSlotTable = make_slots();

constexpr size_t kFirstBlock = 512;
constexpr size_t kEntryOverhead = 32;  // RFC 7541, 4.1

}  // namespace

std::string_view field_name(FieldId id) {
  PARLEY_ASSERT(id != FieldId::Other);
  return kNames[static_cast<size_t>(id)];
}

FieldId field_id(std::string_view name) {
  if (name.empty()) return FieldId::Other;
  for (size_t slot = slot_of(name); kSlotTable[slot] != 0; slot = (slot + 1) % kSlots) {
    if (kNames[kSlotTable[slot]] == name) return static_cast<FieldId>(kSlotTable[slot]);
  }
  return FieldId::Other;
}

Fields::Fields(Fields&& other) noexcept
    : block_(std::exchange(other.block_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)),
      text_size_(std::exchange(other.text_size_, 0)),
      count_(std::exchange(other.count_, 0)),
      list_bytes_(std::exchange(other.list_bytes_, 0)),
      limits_(other.limits_) {}

Fields::Fields(const Fields& other) : limits_(other.limits_) {
  for (const Field field : other) push(field);
}

Fields& Fields::operator=(Fields other) noexcept {
  std::swap(block_, other.block_);
  std::swap(capacity_, other.capacity_);
  std::swap(text_size_, other.text_size_);
  std::swap(count_, other.count_);
  std::swap(list_bytes_, other.list_bytes_);
  std::swap(limits_, other.limits_);
  return *this;
}

Fields::~Fields() { pool_free(block_, capacity_); }

bool Fields::append(std::string_view name, std::string_view value, bool never_index) {
  if (!fits(name.size(), value.size())) return false;
  push({name, value, FieldId::Other, never_index});
  identify_last();
  return true;
}

bool Fields::append(FieldId id, std::string_view value, bool never_index) {
  return append(Field{field_name(id), value, id, never_index});
}

bool Fields::append(const Field& field) {
  if (!fits(field.name.size(), field.value.size())) return false;
  push(field);
  return true;
}

void Fields::add(std::string_view name, std::string_view value) {
  push({name, value});
  identify_last();
}

bool Fields::insert(size_t index, FieldId id, std::string_view value) {
  PARLEY_ASSERT(index <= count_);
  if (!append(id, value)) return false;
  // Entries lie in reverse order: the new one, the lowest, goes above those that follow it.
  Entry* lowest = &entry(count_ - 1);
  std::rotate(lowest, lowest + 1, &entry(index) + 1);
  return true;
}

bool Fields::fits(size_t name_size, size_t value_size) const {
  return name_size <= UINT16_MAX && count_ < limits_.count_max && value_size <= limits_.bytes_max &&
         list_bytes_ + name_size + value_size + kEntryOverhead <= limits_.bytes_max;
}

void Fields::push(const Field& field) {
  PARLEY_ASSERT(field.name.size() <= UINT16_MAX);
  const size_t text = field.name.size() + field.value.size();
  if (text_size_ + text + (count_ + 1) * sizeof(Entry) > capacity_) grow(text);
  char* at = block_ + text_size_;
  std::memcpy(at, field.name.data(), field.name.size());
  std::memcpy(at + field.name.size(), field.value.data(), field.value.size());
  entry(count_) = {text_size_, static_cast<uint32_t>(field.value.size()),
                   static_cast<uint16_t>(field.name.size()), field.id, field.never_index};
  ++count_;
  text_size_ += static_cast<uint32_t>(text);
  list_bytes_ += static_cast<uint32_t>(text + kEntryOverhead);
}

// Lowers the name of the field that was pushed last, and finds its id.
void Fields::identify_last() {
  Entry& last = entry(count_ - 1);
  char* const name = block_ + last.offset;
  std::transform(name, name + last.name_size, name, ascii_lower);
  last.id = field_id({name, last.name_size});
}

void Fields::grow(size_t text) {
  const size_t needed = text_size_ + text + (count_ + 1) * sizeof(Entry);
  size_t capacity = std::max<size_t>({needed, size_t{capacity_} * 2, kFirstBlock});
  capacity = pool_capacity((capacity + alignof(Entry) - 1) & ~(alignof(Entry) - 1));
  char* block = static_cast<char*>(pool_allocate(capacity));
  if (block_) {
    const size_t entries = count_ * sizeof(Entry);
    std::memcpy(block, block_, text_size_);
    std::memcpy(block + capacity - entries, block_ + capacity_ - entries, entries);
    pool_free(block_, capacity_);
  }
  block_ = block;
  capacity_ = static_cast<uint32_t>(capacity);
}

void Fields::set(FieldId id, std::string_view value) {
  remove(id);
  add(id, value);
}

void Fields::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

template <typename Matches>
size_t Fields::remove_if(Matches matches) {
  size_t kept = 0;
  for (size_t i = 0; i < count_; ++i) {
    const Entry current = entry(i);
    if (matches((*this)[i])) {
      list_bytes_ -= static_cast<uint32_t>(current.name_size + current.value_size + kEntryOverhead);
    } else {
      entry(kept++) = current;
    }
  }
  const size_t removed = count_ - kept;
  count_ = static_cast<uint32_t>(kept);
  return removed;
}

size_t Fields::remove(FieldId id) {
  return remove_if([id](const Field& field) { return field.id == id; });
}

size_t Fields::remove(std::string_view name) {
  return remove_if([name](const Field& field) { return ascii_equal(field.name, name); });
}

void Fields::clear() {
  text_size_ = 0;
  count_ = 0;
  list_bytes_ = 0;
}

std::optional<std::string_view> Fields::find(FieldId id) const {
  for (size_t i = 0; i < count_; ++i) {
    if (entry(i).id == id) return (*this)[i].value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const Field field : *this) {
    if (ascii_equal(field.name, name)) return field.value;
  }
  return std::nullopt;
}

size_t Fields::count(FieldId id) const {
  size_t found = 0;
  for (size_t i = 0; i < count_; ++i) found += entry(i).id == id ? 1 : 0;
  return found;
}

}  // namespace parley
