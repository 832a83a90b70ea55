#pragma once

#include <string>
#include <vector>

#include "contract/load.h"
#include "contract/proto_compiler.h"

namespace parley::contract {

// .proto files on disk, as protoc takes them: names relative to an include folder, or paths below
// one. A file that is below none of them counts its own folder as one.
struct ProtoFiles {
  std::vector<std::string> files;
  std::vector<std::string> includes;  // searched in this order, before the built-in files
};

// The largest .proto file or descriptor set that is read.
inline constexpr size_t kFileBytesMax = kSourceBytesMax;

Compiled read_proto_files(const ProtoFiles& files);

// A serialized google.protobuf.FileDescriptorSet: `protoc --include_imports --descriptor_set_out`,
// `buf build -o`. `name` is for messages only.
Compiled split_descriptor_set(std::string_view bytes, std::string_view name);
Compiled read_descriptor_set(const std::string& path);

// The same, linked.
Loaded load_proto_files(const ProtoFiles& files, const LoadOptions& options = {});
Loaded load_descriptor_set(const std::string& path, const LoadOptions& options = {});

}  // namespace parley::contract
