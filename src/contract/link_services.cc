// Loading: methods get their messages and options; then types that no file declares are reported,
// with the imports that are missing.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "contract/api_options.h"
#include "contract/draft.h"

namespace parley::contract {
namespace {

using google::protobuf::MethodDescriptorProto;

const Message* message_type(Draft& draft, const Draft::ServiceDraft& from, const Method& method,
                            const std::string& type_name) {
  if (type_name.empty()) {
    draft.problems.error(method.location,
                         fmt::format("{} lacks its type of request or response", method.full_name));
    return nullptr;
  }
  const Symbol* found =
      draft.require(from.file, from.full_name, type_name, method.full_name, method.location);
  if (!found) return nullptr;
  if (found->kind == Symbol::Kind::Message) return &draft.storage->messages[found->index];
  draft.problems.error(method.location, fmt::format("{} takes or returns {}, which is no message",
                                                    method.full_name, type_name));
  return nullptr;
}

void link_method(Draft& draft, const Draft::ServiceDraft& from, const MethodDescriptorProto& proto,
                 Method& method) {
  method.input = message_type(draft, from, method, proto.input_type());
  method.output = message_type(draft, from, method, proto.output_type());
  method.client_streaming = proto.client_streaming();
  method.server_streaming = proto.server_streaming();
  if (!proto.has_options()) return;
  method.deprecated = proto.options().deprecated();
  method.idempotency = static_cast<Idempotency>(proto.options().idempotency_level());
  method.options = keep_options(draft.storage->texts, proto.options());
}

// The imports of a file that the contract does not have.
std::vector<std::string_view> missing_imports(const Draft& draft, const File& file) {
  std::vector<std::string_view> out;
  for (const std::string_view import : file.imports)
    if (!draft.storage->file_names.find(import)) out.push_back(import);
  return out;
}

std::string remedy_for(const std::vector<std::string_view>& missing) {
  if (missing.empty()) return "declare it, or import the file that does";
  return fmt::format(
      "its import \"{}\" is missing: add the file, or -I with its folder; a "
      "descriptor set takes them in with protoc --include_imports, or buf build -o",
      fmt::join(missing, "\", \""));
}

}  // namespace

void link_services(Draft& draft) {
  size_t next = 0;
  for (const auto& from : draft.services)
    for (const MethodDescriptorProto& proto : from.proto->method())
      link_method(draft, from, proto, draft.storage->methods[next++]);
}

void report_missing(Draft& draft) {
  std::vector<bool> needs_types(draft.files.size());
  for (const auto& [file, user, type, where] : draft.missing_types) {
    needs_types[file] = true;
    draft.problems.error(where, fmt::format("{} needs \"{}\", which no file declares", user, type),
                         remedy_for(missing_imports(draft, draft.storage->files[file])));
  }
  for (uint32_t i = 0; i < draft.files.size(); ++i) {
    if (needs_types[i]) continue;
    for (const std::string_view import : missing_imports(draft, draft.storage->files[i]))
      draft.problems.warning(draft.file_location(i),
                             fmt::format("the import \"{}\" is missing", import),
                             "no type of it is needed; options that it declares have no effect");
  }
}

}  // namespace parley::contract
