// Loading: SourceCodeInfo says where things were declared.
#include <array>
#include <span>
#include <string_view>

#include "contract/draft.h"
#include "contract/wire_fields.h"

namespace parley::contract {
namespace {

// Numbers of fields in descriptor.proto, of which paths are made.
constexpr int kFileMessage = 4;
constexpr int kFileEnum = 5;
constexpr int kFileService = 6;
constexpr int kFileExtension = 7;
constexpr int kMessageField = 2;
constexpr int kMessageNested = 3;
constexpr int kMessageEnum = 4;
constexpr int kMessageExtension = 6;
constexpr int kServiceMethod = 2;
constexpr int kMethodOptions = 4;
constexpr int kHttpOption = 72295728;

// SourceCodeInfo.Location, as far as it matters. Paths that are longer than any of ours are cut.
struct Position {
  static constexpr size_t kPathMax = 256;  // libprotobuf reads messages to depth 100
  std::array<int, kPathMax> parts;
  size_t part_count = 0;
  int line = 0;  // from 1; 0: not known
  int column = 0;

  std::span<const int> path() const { return std::span(parts).first(part_count); }

  explicit Position(std::string_view bytes) {
    constexpr uint32_t kPath = 1;
    constexpr uint32_t kSpan = 2;
    std::array<int, 4> span;
    WireFields fields(bytes);
    while (fields.next()) {
      if (!fields.is_bytes()) continue;
      if (fields.number() == kPath) part_count = unpack(fields.bytes(), parts);
      if (fields.number() != kSpan || unpack(fields.bytes(), span) < 3) continue;
      line = span[0] >= 0 && span[0] < INT32_MAX ? span[0] + 1 : 0;
      column = span[1] >= 0 && span[1] < INT32_MAX ? span[1] + 1 : 0;
    }
  }

  // Packed int32s; how many were kept.
  static size_t unpack(std::string_view bytes, std::span<int> out) {
    size_t count = 0;
    uint64_t value = 0;
    unsigned shift = 0;
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      shift += 7;
      if (byte >= 0x80) continue;
      if (count == out.size()) return count;
      out[count++] = static_cast<int>(value);
      value = 0;
      shift = 0;
    }
    return count;
  }
};

// Walks paths of one file down to what they name.
class Places {
 public:
  Places(Draft& draft, uint32_t file)
      : draft_(draft), storage_(*draft.storage), file_(draft.files[file]) {}

  // Where to note the position of `path`; nullptr: it names nothing that keeps one.
  Location* find(std::span<const int> path) {
    if (path.size() < 2) return nullptr;
    const int index = path[1];
    const auto rest = path.subspan(2);
    switch (path[0]) {
      case kFileMessage:
        return in_range(index, file_.proto->message_type_size())
                   ? in_message(at(file_.first_message, index), rest)
                   : nullptr;
      case kFileEnum:
        return rest.empty() && in_range(index, file_.proto->enum_type_size())
                   ? &storage_.enums[at(file_.first_enum, index)].location
                   : nullptr;
      case kFileService:
        return in_range(index, file_.proto->service_size())
                   ? in_service(at(file_.first_service, index), rest)
                   : nullptr;
      case kFileExtension:
        return rest.empty() && in_range(index, file_.proto->extension_size())
                   ? extension(at(file_.first_extension, index))
                   : nullptr;
      default: return nullptr;
    }
  }

 private:
  static bool in_range(int index, int size) { return index >= 0 && index < size; }
  static uint32_t at(uint32_t first, int index) { return first + static_cast<uint32_t>(index); }

  Location* in_message(uint32_t message, std::span<const int> path) {
    while (path.size() >= 2) {
      const auto& from = draft_.messages[message];
      const int index = path[1];
      const bool last = path.size() == 2;
      if (path[0] == kMessageNested && in_range(index, from.proto->nested_type_size())) {
        message = at(from.first_child, index);
        path = path.subspan(2);
        continue;
      }
      if (!last) return nullptr;
      if (path[0] == kMessageField && in_range(index, from.proto->field_size()))
        return field(message, index);
      if (path[0] == kMessageEnum && in_range(index, from.proto->enum_type_size()))
        return &storage_.enums[at(from.first_enum, index)].location;
      if (path[0] == kMessageExtension && in_range(index, from.proto->extension_size()))
        return extension(at(from.first_extension, index));
      return nullptr;
    }
    return path.empty() ? &storage_.messages[message].location : nullptr;
  }

  Location* field(uint32_t message, int index) {
    const Message& parent = storage_.messages[message];
    const auto first = static_cast<size_t>(parent.fields.data() - storage_.fields.data());
    return &draft_.field_locations[first + static_cast<size_t>(index)];
  }

  Location* extension(uint32_t index) {
    const uint32_t field = draft_.extensions[index].field;
    return field == Draft::kNone ? nullptr : &draft_.field_locations[field];
  }

  Location* in_service(uint32_t service, std::span<const int> path) {
    if (path.empty()) return &storage_.services[service].location;
    if (path[0] != kServiceMethod || path.size() < 2) return nullptr;
    const auto methods = storage_.services[service].methods;
    if (!in_range(path[1], static_cast<int>(methods.size()))) return nullptr;
    const uint32_t method = methods[static_cast<size_t>(path[1])].index;
    if (path.size() == 2) return &storage_.methods[method].location;
    if (path.size() >= 4 && path[2] == kMethodOptions && path[3] == kHttpOption)
      return &draft_.rule_locations[method];
    return nullptr;
  }

  Draft& draft_;
  Contract::Storage& storage_;
  const Draft::FileDraft& file_;
};

}  // namespace

void place_locations(Draft& draft) {
  constexpr uint32_t kLocation = 1;  // of SourceCodeInfo
  draft.rule_locations.resize(draft.storage->methods.size());
  for (uint32_t i = 0; i < draft.files.size(); ++i) {
    Places places(draft, i);
    WireFields fields(draft.files[i].source_code_info);
    while (fields.next()) {
      if (fields.number() != kLocation || !fields.is_bytes()) continue;
      const Position position(fields.bytes());
      Location* place = position.line > 0 ? places.find(position.path()) : nullptr;
      if (place && place->line == 0)
        *place = {draft.storage->files[i].name, position.line, position.column};
    }
  }
}

}  // namespace parley::contract
