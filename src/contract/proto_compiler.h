#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/load.h"

namespace parley::contract {

// The text of the file that an import names; nullopt: there is none.
using ReadProto = std::function<std::optional<std::string>(const std::string& name)>;

struct Compiled {
  Source source;  // the files and all that they import; empty if any problem is an error
  std::vector<Problem> problems;
  std::vector<std::string> paths;  // as Loaded has them
};

// Compiles .proto files and what they import, with libprotobuf's parser; its pool only interprets
// the options. Imports that `read` does not have may be built in (builtin_protos.h). One that only
// carries options may be missing: a warning. Never throws, prints nothing.
Compiled compile_protos(std::span<const std::string> names, const ReadProto& read);

}  // namespace parley::contract
