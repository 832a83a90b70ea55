// Loading: every message, enum, service, method and extension gets its place and its full name.
#include <fmt/format.h>

#include "contract/draft.h"

namespace parley::contract {
namespace {

using google::protobuf::DescriptorProto;

constexpr size_t kShownMax = 100;  // of a bad name, in a message

// Counts what the messages, enums and services hold, against `kSymbolsMax`.
class Declaration {
 public:
  explicit Declaration(Draft& draft) : draft_(draft), storage_(*draft.storage) {}

  void run() {
    for (uint32_t i = 0; i < draft_.files.size(); ++i) add_file(i);
    if (draft_.unusable) return;
    const size_t symbols = draft_.messages.size() + draft_.enums.size() + draft_.extensions.size() +
                           draft_.services.size() + method_count_;
    storage_.symbol_names.reserve(symbols);
    storage_.symbols.reserve(symbols);
    size_messages();
    size_enums();
    add_services();
    for (uint32_t i = 0; i < draft_.extensions.size(); ++i)
      add_symbol(Symbol::Kind::Extension, draft_.extensions[i].full_name, i,
                 draft_.extensions[i].file);
  }

 private:
  static uint32_t size32(size_t size) { return static_cast<uint32_t>(size); }

  // False, once, when the contract has more symbols than it may.
  bool count(int symbols) {
    symbol_count_ += static_cast<size_t>(symbols);
    if (symbol_count_ <= kSymbolsMax) return true;
    if (!draft_.unusable)
      draft_.problems.error({},
                            fmt::format("the contract declares more than {} symbols", kSymbolsMax),
                            "leave out files that no service needs");
    draft_.unusable = true;
    return false;
  }

  // The full name, kept; empty, and reported, when it cannot be one.
  std::string_view full_name(std::string_view scope, const std::string& name, uint32_t file) {
    if (is_identifier(name) && scope.size() + 1 + name.size() <= kNameBytesMax)
      return draft_.join(scope, name);
    draft_.problems.error(draft_.file_location(file),
                          fmt::format("\"{}\" in \"{}\" is no name, or too long a one",
                                      name.substr(0, kShownMax), scope.substr(0, kShownMax)));
    draft_.unusable = true;
    return {};
  }

  void add_file(uint32_t index) {
    auto& file = draft_.files[index];
    const std::string_view package = storage_.files[index].package;
    file.first_message = size32(draft_.messages.size());
    add_messages(file.proto->message_type(), package, index, file.features);
    file.first_enum = size32(draft_.enums.size());
    add_enums(file.proto->enum_type(), package, index, file.features);
    file.first_extension = size32(draft_.extensions.size());
    add_extensions(file.proto->extension(), package, index, file.features);
    file.first_service = size32(draft_.services.size());
    for (const auto& service : file.proto->service()) {
      if (!count(1 + service.method_size())) return;
      method_count_ += static_cast<size_t>(service.method_size());
      draft_.services.push_back({&service, full_name(package, service.name(), index), index});
    }
    // Breadth first: children of one message lie side by side, and nothing recurses.
    for (uint32_t at = file.first_message; at < draft_.messages.size(); ++at) add_nested(at);
  }

  void add_nested(uint32_t at) {
    const auto scope = draft_.messages[at];  // a copy: the list grows
    draft_.messages[at].first_child = size32(draft_.messages.size());
    add_messages(scope.proto->nested_type(), scope.full_name, scope.file, scope.features);
    draft_.messages[at].first_enum = size32(draft_.enums.size());
    add_enums(scope.proto->enum_type(), scope.full_name, scope.file, scope.features);
    draft_.messages[at].first_extension = size32(draft_.extensions.size());
    add_extensions(scope.proto->extension(), scope.full_name, scope.file, scope.features);
  }

  template <typename Protos>
  void add_messages(const Protos& protos, std::string_view scope, uint32_t file,
                    const Features& outer) {
    for (const DescriptorProto& proto : protos) {
      if (!count(1 + proto.field_size() + proto.oneof_decl_size())) return;
      Draft::MessageDraft message{&proto, full_name(scope, proto.name(), file), file, outer};
      if (proto.has_options() && draft_.files[file].editions)
        message.features.apply_options(proto.options().SerializePartialAsString(),
                                       kMessageFeatures);
      draft_.messages.push_back(message);
    }
  }

  template <typename Protos>
  void add_enums(const Protos& protos, std::string_view scope, uint32_t file,
                 const Features& outer) {
    for (const auto& proto : protos) {
      if (!count(1 + proto.value_size())) return;
      Draft::EnumDraft enumeration{&proto, full_name(scope, proto.name(), file), file, outer};
      if (proto.has_options() && draft_.files[file].editions)
        enumeration.features.apply_options(proto.options().SerializePartialAsString(),
                                           kEnumFeatures);
      draft_.enums.push_back(enumeration);
    }
  }

  template <typename Protos>
  void add_extensions(const Protos& protos, std::string_view scope, uint32_t file,
                      const Features& outer) {
    for (const auto& proto : protos) {
      if (!count(1)) return;
      draft_.extensions.push_back(
          {&proto, full_name(scope, proto.name(), file), scope, file, outer});
    }
  }

  void add_symbol(Symbol::Kind kind, std::string_view full_name, uint32_t index, uint32_t file) {
    if (full_name.empty()) return;
    const uint32_t symbol = size32(storage_.symbols.size());
    const uint32_t known = storage_.symbol_names.add(full_name, symbol);
    if (known == symbol) {
      storage_.symbols.push_back({kind, index, file});
      return;
    }
    const File& other = storage_.files[storage_.symbols[known].file];
    draft_.problems.error(
        draft_.file_location(file),
        fmt::format("\"{}\" is declared twice, here and in {}", full_name, other.name),
        "rename one of them");
  }

  static std::string_view last_name(std::string_view full_name) {
    return full_name.substr(full_name.rfind('.') + 1);  // npos + 1 is 0
  }

  void size_messages() {
    storage_.messages.resize(draft_.messages.size());
    for (uint32_t i = 0; i < draft_.messages.size(); ++i) {
      const auto& from = draft_.messages[i];
      Message& message = storage_.messages[i];
      message.full_name = from.full_name;
      message.name = last_name(from.full_name);
      message.index = i;
      message.location = draft_.file_location(from.file);
      add_symbol(Symbol::Kind::Message, from.full_name, i, from.file);
    }
  }

  void size_enums() {
    storage_.enums.resize(draft_.enums.size());
    for (uint32_t i = 0; i < draft_.enums.size(); ++i) {
      const auto& from = draft_.enums[i];
      Enum& enumeration = storage_.enums[i];
      enumeration.full_name = from.full_name;
      enumeration.name = last_name(from.full_name);
      enumeration.null_value = from.full_name == "google.protobuf.NullValue";
      enumeration.closed = from.features.closed_enums;
      enumeration.deprecated = from.proto->options().deprecated();
      enumeration.location = draft_.file_location(from.file);
      add_symbol(Symbol::Kind::Enum, from.full_name, i, from.file);
    }
  }

  void add_services() {
    storage_.services.resize(draft_.services.size());
    storage_.methods.resize(method_count_);
    storage_.method_paths.reserve(method_count_);
    uint32_t next_method = 0;
    for (uint32_t i = 0; i < draft_.services.size(); ++i) {
      const auto& from = draft_.services[i];
      Service& service = storage_.services[i];
      service.full_name = from.full_name;
      service.name = last_name(from.full_name);
      service.deprecated = from.proto->options().deprecated();
      service.location = draft_.file_location(from.file);
      add_symbol(Symbol::Kind::Service, from.full_name, i, from.file);
      const auto count = static_cast<size_t>(from.proto->method_size());
      const auto methods = std::span(storage_.methods).subspan(next_method, count);
      service.methods = methods;
      for (const auto& method : from.proto->method())
        add_method(service, method.name(), next_method++, from.file);
    }
  }

  void add_method(Service& service, const std::string& name, uint32_t index, uint32_t file) {
    Method& method = storage_.methods[index];
    method.full_name = full_name(service.full_name, name, file);
    method.name = last_name(method.full_name);
    method.service = &service;
    method.index = index;
    method.location = draft_.file_location(file);
    method.path = storage_.texts.copy(fmt::format("/{}/{}", service.full_name, method.name));
    storage_.method_paths.add(method.path, index);
    add_symbol(Symbol::Kind::Method, method.full_name, index, file);
  }

  Draft& draft_;
  Contract::Storage& storage_;
  size_t symbol_count_ = 0;
  size_t method_count_ = 0;
};

}  // namespace

void declare_symbols(Draft& draft) { Declaration(draft).run(); }

}  // namespace parley::contract
