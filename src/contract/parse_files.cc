// The first step of loading: serialized files become FileDescriptorProtos, one per name, and
// `File`.
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "contract/draft.h"
#include "contract/silence_protobuf.h"
#include "contract/wire_fields.h"

namespace parley::contract {
namespace {

using google::protobuf::FileDescriptorProto;

constexpr std::string_view kRebuild =
    "build the descriptor set anew: protoc --include_imports --descriptor_set_out, or buf build -o";

// A serialized file in two parts: positions and comments are often most of it, and are read apart.
struct Parts {
  std::string_view declarations;  // in the file itself where there is nothing to leave out
  std::string joined;
  std::string_view source_code_info;
};

void split(std::string_view bytes, Parts& out) {
  constexpr uint32_t kSourceCodeInfo = 9;  // of FileDescriptorProto
  const char* kept = bytes.data();
  WireFields fields(bytes);
  while (fields.next()) {
    if (fields.number() != kSourceCodeInfo || !fields.is_bytes()) continue;
    out.source_code_info = fields.bytes();
    out.joined.append(kept, fields.begin());
    kept = fields.end();
  }
  out.declarations = bytes;
  if (kept == bytes.data()) return;
  out.joined.append(kept, bytes.data() + bytes.size());
  out.declarations = out.joined;
}

FileDescriptorProto* parse(Draft& draft, std::string_view bytes) {
  auto* proto = google::protobuf::Arena::CreateMessage<FileDescriptorProto>(&draft.arena);
  const bool parsed = bytes.size() <= INT32_MAX &&
                      proto->ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return parsed ? proto : nullptr;
}

// Whether two files differ in their comments and positions at most.
bool same_content(const FileDescriptorProto& a, const FileDescriptorProto& b) {
  return a.SerializePartialAsString() == b.SerializePartialAsString();
}

bool valid_package(std::string_view package) {
  bool start = true;
  for (const char c : package) {
    if (c == '.' ? start : !(ascii_alpha(c) || c == '_' || (!start && ascii_digit(c))))
      return false;
    start = c == '.';
  }
  return package.empty() || !start;
}

// Adds the file, unless one of that name is there.
void add_file(Draft& draft, std::string bytes) {
  Parts parts;
  split(bytes, parts);
  const FileDescriptorProto* proto = parse(draft, parts.declarations);
  if (!proto) {
    draft.problems.error(
        {},
        fmt::format("file {} of the contract is no FileDescriptorProto", draft.files.size() + 1),
        std::string(kRebuild));
    return;
  }
  auto& storage = *draft.storage;
  const Location where{proto->name(), 0, 0};
  if (proto->name().empty()) {
    draft.problems.error({}, "a file of the contract has no name", std::string(kRebuild));
    return;
  }
  const auto index = static_cast<uint32_t>(draft.files.size());
  const std::string_view name = storage.texts.copy(proto->name());
  const uint32_t known = storage.file_names.add(name, index);
  if (known != index) {
    if (storage.descriptors[known] != bytes && !same_content(*draft.files[known].proto, *proto))
      draft.problems.error(where, "two different files have this name", "rename one of them");
    return;
  }
  if (!valid_package(proto->package()))
    draft.problems.error(where, fmt::format("\"{}\" is no package name", proto->package()));
  storage.descriptors.push_back(std::move(bytes));
  draft.files.push_back({.proto = proto});
  storage.files.push_back({.name = name, .package = storage.texts.copy(proto->package())});
}

void choose_edition(Draft& draft, uint32_t index) {
  auto& file = draft.files[index];
  const auto edition = edition_of(draft.storage->descriptors[index]);
  if (!edition) {
    draft.problems.error(
        draft.file_location(index),
        fmt::format("syntax \"{}\" is not one that this version knows", file.proto->syntax()),
        "use proto2, proto3 or an edition");
    return;
  }
  if (*edition > kEdition2024)
    draft.problems.warning(draft.file_location(index),
                           fmt::format("edition {} is later than 2024", *edition),
                           "it is read with the defaults of 2024");
  file.editions = *edition >= kEdition2023;
  file.features = features_of_edition(*edition);
  if (!file.editions) return;
  file.features.apply_options(file.proto->options().SerializePartialAsString(), kFileFeatures);
}

void list_imports(Draft& draft) {
  auto& storage = *draft.storage;
  size_t count = 0;
  for (const auto& file : draft.files) count += static_cast<size_t>(file.proto->dependency_size());
  storage.imports.reserve(count);
  for (size_t i = 0; i < draft.files.size(); ++i) {
    const size_t first = storage.imports.size();
    for (const std::string& import : draft.files[i].proto->dependency())
      storage.imports.push_back(storage.texts.copy(import));
    storage.files[i].imports = std::span(storage.imports).subspan(first);
    storage.files[i].descriptor = storage.descriptors[i];
  }
}

}  // namespace

void parse_files(Draft& draft, Source source) {
  silence_protobuf();
  size_t total = 0;
  for (const std::string& bytes : source.files) total += bytes.size();
  if (total > kSourceBytesMax) {
    draft.problems.error(
        {}, fmt::format("the contract's files have {} bytes, more than {}", total, kSourceBytesMax),
        "leave out files that no service needs");
    return;
  }
  draft.storage->descriptors.reserve(source.files.size());  // `descriptor` points into short ones
  for (std::string& bytes : source.files) add_file(draft, std::move(bytes));
  for (uint32_t i = 0; i < draft.files.size(); ++i) {
    Parts parts;
    split(draft.storage->descriptors[i], parts);
    draft.files[i].source_code_info = parts.source_code_info;
    choose_edition(draft, i);
  }
  list_imports(draft);
}

}  // namespace parley::contract
