// Loading: SourceCodeInfo says where things were declared.
#include <optional>
#include <span>

#include "contract/draft.h"

namespace parley::contract {
namespace {

using google::protobuf::SourceCodeInfo;

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
    return &storage_.fields[first + static_cast<size_t>(index)].location;
  }

  Location* extension(uint32_t index) {
    const uint32_t field = draft_.extensions[index].field;
    return field == Draft::kNone ? nullptr : &storage_.fields[field].location;
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
  draft.rule_locations.resize(draft.storage->methods.size());
  for (uint32_t i = 0; i < draft.files.size(); ++i) {
    Places places(draft, i);
    for (const SourceCodeInfo::Location& from : draft.files[i].proto->source_code_info().location())
      if (from.span_size() >= 3) {
        Location* place = places.find({from.path().data(), static_cast<size_t>(from.path_size())});
        if (place && place->line == 0)
          *place = {draft.storage->files[i].name, from.span(0) + 1, from.span(1) + 1};
      }
  }
}

}  // namespace parley::contract
