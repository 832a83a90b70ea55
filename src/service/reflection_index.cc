#include "service/reflection_index.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include <boost/unordered/unordered_flat_set.hpp>

#include "base/bytes.h"
#include "wire/wire_reader.h"
#include "wire/wire_writer.h"

namespace parley::service {
namespace {

// google/protobuf/descriptor.proto
constexpr uint32_t kFileServices = 6;        // FileDescriptorProto.service
constexpr uint32_t kFileSourceCodeInfo = 9;  // FileDescriptorProto.source_code_info
constexpr uint32_t kServiceName = 1;         // ServiceDescriptorProto.name
constexpr uint32_t kServiceMethods = 2;      // ServiceDescriptorProto.method
constexpr uint32_t kMethodName = 1;          // MethodDescriptorProto.name

std::string_view string_field(std::string_view message, uint32_t number) {
  std::string_view value;
  wire::WireReader reader(message);
  while (reader.next()) {
    if (reader.number() == number) {
      value = reader.bytes_or(value);
    } else {
      reader.skip();
    }
  }
  return value;
}

// Copies a message field by field: `replace` appends what stands for a field of length-delimited
// type `number`, nothing where it is left out.
template <typename Replace>
void copy_fields(std::string_view message, ByteBuffer& out, Replace replace) {
  wire::WireReader reader(message);
  for (const char* start = reader.position(); reader.next(); start = reader.position()) {
    if (reader.type() == wire::WireType::Length) {
      const std::string_view content = reader.bytes();
      const std::string_view whole(start, static_cast<size_t>(reader.position() - start));
      if (!reader.failed()) replace(reader.number(), content, whole);
    } else {
      reader.skip();
      if (!reader.failed()) out.append({start, static_cast<size_t>(reader.position() - start)});
    }
  }
}

}  // namespace

// What one contract shows.
class ReflectionIndex::Part {
 public:
  Part(const contract::Contract& contract, const IsExposed& exposed);

  const std::vector<std::string_view>& services() const { return services_; }
  const ShownFile* shown(const contract::File* file) const {
    std::call_once(filled_, [this] { fill(); });
    return look_up(file);
  }
  const ShownFile* look_up(const contract::File* file) const {
    const auto found = files_.find(file);
    return found == files_.end() ? nullptr : &found->second;
  }
  const ShownFile* file(std::string_view name) const { return shown(contract_.find_file(name)); }
  const ShownFile* file_of_symbol(std::string_view name) const;
  const ShownFile* file_of_extension(std::string_view message, int32_t number) const {
    return shown(contract_.find_extension_file(message, number));
  }
  const std::vector<int32_t>* extension_numbers(std::string_view message) const;

 private:
  void note_exposed(const IsExposed& exposed);
  void fill() const;
  void show_extensions() const;
  bool show(const contract::File& file) const;
  std::string cut(const contract::File& file) const;
  bool hides(std::string_view service_or_method) const;

  const contract::Contract& contract_;
  boost::unordered_flat_set<std::string_view> exposed_;  // full names of services and methods
  std::vector<std::string_view> services_;               // those of them that are services
  // Made by whichever shard is asked first: copying a large contract's files takes time and memory,
  // and most gateways are never asked.
  mutable std::once_flag filled_;
  mutable std::unordered_map<const contract::File*, ShownFile> files_;
  mutable std::vector<std::unique_ptr<std::string>> descriptors_;  // of the shown files
  mutable std::map<std::string_view, std::vector<int32_t>> extensions_;
};

ReflectionIndex::Part::Part(const contract::Contract& contract, const IsExposed& exposed)
    : contract_(contract) {
  note_exposed(exposed);
}

void ReflectionIndex::Part::note_exposed(const IsExposed& exposed) {
  for (const contract::Service& service : contract_.services()) {
    for (const contract::Method& method : service.methods)
      if (exposed(method)) exposed_.insert(method.full_name);
    const bool any = std::ranges::any_of(service.methods, [this](const auto& method) {
      return exposed_.contains(method.full_name);
    });
    if (!any) continue;
    exposed_.insert(service.full_name);
    services_.push_back(service.full_name);
  }
}

void ReflectionIndex::Part::fill() const {
  for (const std::string_view service : services_)
    if (const auto* file = contract_.find_symbol_file(service)) show(*file);
  show_extensions();
}

// Files that extend a shown message are shown, with what they import: which may be messages that
// others extend, so until nothing is new.
void ReflectionIndex::Part::show_extensions() const {
  for (bool changed = true; changed;) {
    changed = false;
    for (const contract::Message& message : contract_.messages()) {
      if (look_up(contract_.find_symbol_file(message.full_name)) == nullptr) continue;
      for (const contract::Field& field : message.fields) {
        if (!field.extension) continue;
        const auto* file = contract_.find_extension_file(message.full_name, field.number);
        if (file != nullptr && show(*file)) changed = true;
      }
    }
  }
  for (const contract::Message& message : contract_.messages()) {
    if (look_up(contract_.find_symbol_file(message.full_name)) == nullptr) continue;
    std::vector<int32_t>& numbers = extensions_[message.full_name];
    for (const contract::Field& field : message.fields)
      if (field.extension) numbers.push_back(field.number);
    std::ranges::sort(numbers);
  }
}

// Shows a file and all that it imports, without recursion. Whether any of them is new.
bool ReflectionIndex::Part::show(const contract::File& first) const {
  std::vector<const contract::File*> found;
  const auto find = [&](const contract::File& file) {
    if (files_.try_emplace(&file).second) found.push_back(&file);
  };
  find(first);
  for (size_t i = 0; i < found.size(); ++i)
    for (const std::string_view import : found[i]->imports)
      if (const auto* file = contract_.find_file(import)) find(*file);
  for (const contract::File* file : found) {
    descriptors_.push_back(std::make_unique<std::string>(cut(*file)));
    ShownFile& shown_file = files_.at(file);
    shown_file.name = file->name;
    shown_file.descriptor = *descriptors_.back();
    for (const std::string_view import : file->imports)
      if (const auto* imported = look_up(contract_.find_file(import)))
        shown_file.imports.push_back(imported);
  }
  return !found.empty();
}

// The file's descriptor without services and methods that are not exposed. Its source code info
// goes too: its paths count what was cut, and its comments are for those who have the source.
std::string ReflectionIndex::Part::cut(const contract::File& file) const {
  ByteBuffer out(file.descriptor.size());
  const std::string scope = file.package.empty() ? "" : std::string(file.package) + ".";
  copy_fields(file.descriptor, out, [&](uint32_t number, auto content, auto whole) {
    if (number == kFileSourceCodeInfo) return;
    if (number != kFileServices) return out.append(whole);
    const std::string name = scope + std::string(string_field(content, kServiceName));
    if (!exposed_.contains(name)) return;
    ByteBuffer service(content.size());
    copy_fields(content, service, [&](uint32_t member, auto method, auto whole_method) {
      const bool hidden =
          member == kServiceMethods &&
          !exposed_.contains(name + "." + std::string(string_field(method, kMethodName)));
      if (!hidden) service.append(whole_method);
    });
    wire::append_bytes_field(out, kFileServices, service.view());
  });
  return std::string(out.view());
}

const ShownFile* ReflectionIndex::Part::file_of_symbol(std::string_view name) const {
  return hides(name) ? nullptr : shown(contract_.find_symbol_file(name));
}

// Whether the name is a service or a method that is not exposed.
bool ReflectionIndex::Part::hides(std::string_view name) const {
  if (exposed_.contains(name)) return false;
  if (contract_.find_service(name) != nullptr) return true;
  const size_t dot = name.rfind('.');
  return dot != std::string_view::npos && contract_.find_service(name.substr(0, dot)) != nullptr;
}

const std::vector<int32_t>* ReflectionIndex::Part::extension_numbers(
    std::string_view message) const {
  std::call_once(filled_, [this] { fill(); });
  const auto found = extensions_.find(message);
  return found == extensions_.end() ? nullptr : &found->second;
}

ReflectionIndex::ReflectionIndex() = default;
ReflectionIndex::~ReflectionIndex() = default;

void ReflectionIndex::add(const contract::Contract& contract, const IsExposed& exposed) {
  parts_.push_back(std::make_unique<Part>(contract, exposed));
  const auto& services = parts_.back()->services();
  services_.insert(services_.end(), services.begin(), services.end());
  std::ranges::sort(services_);
  const auto repeated = std::ranges::unique(services_);
  services_.erase(repeated.begin(), repeated.end());
}

const ShownFile* ReflectionIndex::file(std::string_view name) const {
  return first([&](const Part& part) { return part.file(name); });
}
const ShownFile* ReflectionIndex::file_of_symbol(std::string_view full_name) const {
  return first([&](const Part& part) { return part.file_of_symbol(full_name); });
}
const ShownFile* ReflectionIndex::file_of_extension(std::string_view message,
                                                    int32_t number) const {
  return first([&](const Part& part) { return part.file_of_extension(message, number); });
}
const std::vector<int32_t>* ReflectionIndex::extension_numbers(std::string_view message) const {
  return first([&](const Part& part) { return part.extension_numbers(message); });
}

template <typename Find>
auto ReflectionIndex::first(Find find) const -> decltype(find(*parts_.front())) {
  for (const auto& part : parts_)
    if (const auto found = find(*part)) return found;
  return nullptr;
}

}  // namespace parley::service
