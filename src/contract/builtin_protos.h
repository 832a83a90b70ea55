#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <google/protobuf/descriptor.h>

namespace parley::contract {

// Files that every contract may import without having them: google/protobuf/ as libprotobuf carries
// it, and what this repository's proto/ holds (google/api, google/rpc, google/type ...).

// nullptr: libprotobuf does not have it.
const google::protobuf::FileDescriptor* builtin_descriptor(std::string_view name);

// The text of a .proto file; nullopt: there is none of that name.
std::optional<std::string_view> builtin_text(std::string_view name);

namespace detail {
struct BuiltinText {
  const char* name;
  std::string_view text;
};
// Made from proto/ when the library is built (embed_protos.cmake).
extern const BuiltinText kBuiltinTexts[];
extern const size_t kBuiltinTextCount;
}  // namespace detail

}  // namespace parley::contract
